"""Writes blake2b.jsonl: strings with their hashes, as Python's hashlib has them.

Each line is [text, hash64, hash128]. Run it in this folder: python3 blake2b.py > blake2b.jsonl
"""

import hashlib
import json
import random

random.seed(20260115)
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz_.",
    "ABC 0123456789\t\n\"'\\/",
    "éßñøÅ",
    "Ωσςλ",
    "中文字符漢",
    "\U0001f40d\U0001f600\U00010348",
    "\u0301\u200d\u00a0\u3000\u001f\ufeff",
]

texts = ["", " ", "\u0000", "__NULL__", "node", "os.path.join"]
# A block of BLAKE2b has 128 bytes.
for length in [1, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025]:
    texts.append("x" * length)
while len(texts) < 1200:
    alphabet = "".join(random.sample(ALPHABETS, random.randint(1, len(ALPHABETS))))
    texts.append("".join(random.choices(alphabet, k=random.randint(0, 60))))

for text in texts:
    data = text.encode("utf-8")
    short = hashlib.blake2b(data, digest_size=8).digest()
    hash64 = int.from_bytes(short, "big") & 0x7FFF_FFFF_FFFF_FFFF
    hash128 = hashlib.blake2b(data, digest_size=16).hexdigest()
    print(json.dumps([text, hash64, hash128]))

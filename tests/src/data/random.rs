//! A small generator of repeatable numbers (splitmix64).

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A number of `-limit..=limit`, of any magnitude: small ones and the limits come often.
    pub fn within(&mut self, limit: i64) -> i64 {
        let number = match self.below(8) {
            0 => limit,
            1 => -limit,
            _ => {
                let magnitude = self.next() >> self.below(64);
                if self.below(2) == 0 {
                    magnitude as i64
                } else {
                    (magnitude as i64).wrapping_neg()
                }
            }
        };
        match limit.checked_add(1) {
            Some(modulus) => number % modulus,
            None => number,
        }
    }

    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    pub fn text(&mut self) -> String {
        // Views keep up to twelve bytes in place and longer text in a buffer.
        let parts = self.below(5);
        let words = [
            "",
            "a",
            "plugin",
            "Ünïcödé",
            "日本語",
            "🦀",
            "twelve bytes",
            "'\"\\",
            "\n\t ",
        ];
        (0..parts).map(|_| self.pick(&words)).collect()
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

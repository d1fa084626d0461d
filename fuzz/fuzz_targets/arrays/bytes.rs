//! The fuzzer's bytes, as what they decide.

/// Bytes to decide by. After the last there are zeros, and zeros are honest.
#[derive(Clone)]
pub struct Bytes<'a> {
    rest: &'a [u8],
    /// Whether there may be lies.
    pub lies: bool,
}

impl<'a> Bytes<'a> {
    pub fn new(rest: &'a [u8]) -> Self {
        Self { rest, lies: false }
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        *first
    }

    /// A number below another one, which is 1 at least.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    pub fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// Whether to lie here.
    pub fn lie(&mut self) -> bool {
        self.lies && self.byte() >= 224
    }

    pub fn take(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.byte()).collect()
    }
}

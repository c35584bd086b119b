//! Values by number, as in a `Vec`, of which some come and go.

/// A number is given again when its value is gone: who keeps one that may be, keeps something that tells two values apart.
#[derive(Debug)]
pub struct Arena<T> {
    values: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Default for Arena<T> {
    fn default() -> Arena<T> {
        Arena { values: Vec::new(), free: Vec::new() }
    }
}

impl<T> Arena<T> {
    /// Returns the value's number.
    pub fn insert(&mut self, value: T) -> usize {
        let number = self.free.pop().unwrap_or(self.values.len());
        match self.values.get_mut(number) {
            Some(place) => *place = Some(value),
            None => self.values.push(Some(value)),
        }
        number
    }

    /// The value, whose number is given again from now on.
    pub fn remove(&mut self, number: usize) -> Option<T> {
        let value = self.values.get_mut(number)?.take()?;
        self.free.push(number);
        Some(value)
    }

    /// The value with this number.
    pub fn get(&self, number: usize) -> Option<&T> {
        self.values.get(number)?.as_ref()
    }

    /// The value with this number.
    pub fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        self.values.get_mut(number)?.as_mut()
    }

    /// How many values there have been at once.
    #[cfg(test)]
    pub(crate) fn peak(&self) -> usize {
        self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Arena;

    #[test]
    fn a_number_is_given_again_when_its_value_is_gone() {
        let mut arena = Arena::default();
        assert_eq!(["a", "b", "c"].map(|value| arena.insert(value)), [0, 1, 2]);
        assert_eq!((arena.remove(1), arena.remove(1), arena.remove(9)), (Some("b"), None, None));
        assert_eq!([0, 1, 2].map(|number| arena.get(number)), [Some(&"a"), None, Some(&"c")]);
        assert_eq!(arena.get_mut(2), Some(&mut "c"));
        assert_eq!((arena.insert("d"), arena.insert("e")), (1, 3));
        assert_eq!((arena.get(1), arena.peak()), (Some(&"d"), 4));
    }
}

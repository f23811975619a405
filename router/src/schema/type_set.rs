//! A set of object types, as bits.

/// A set of object types by their numbers in [`super::Schema::objects`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TypeSet(Vec<u64>);

impl TypeSet {
    /// The set of nothing.
    pub(crate) const EMPTY: &'static TypeSet = &TypeSet(Vec::new());

    /// Adds one type.
    pub(crate) fn insert(&mut self, number: usize) {
        let word = number / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    /// Whether the type is in the set.
    pub(crate) fn contains(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// Whether there is nothing in the set.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers in the set, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| word * 64 + bit)
        })
    }

    /// What is in both.
    pub(crate) fn and(&self, other: &TypeSet) -> TypeSet {
        TypeSet::trimmed(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    /// What is in `self` and not in `other`.
    pub(crate) fn minus(&self, other: &TypeSet) -> TypeSet {
        let word = |index: usize| other.0.get(index).copied().unwrap_or(0);
        TypeSet::trimmed(
            self.0.iter().enumerate().map(|(index, bits)| bits & !word(index)).collect(),
        )
    }

    /// Trailing empty words are cut, so that equal sets are equal values.
    fn trimmed(mut words: Vec<u64>) -> TypeSet {
        while words.last() == Some(&0) {
            words.pop();
        }
        TypeSet(words)
    }
}

impl FromIterator<usize> for TypeSet {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Self {
        let mut set = TypeSet::default();
        numbers.into_iter().for_each(|number| set.insert(number));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::TypeSet;

    #[test]
    fn sets_behave_as_sets() {
        let a: TypeSet = [1, 70, 200].into_iter().collect();
        let b: TypeSet = [70, 3].into_iter().collect();
        assert_eq!(a.and(&b).iter().collect::<Vec<_>>(), vec![70]);
        assert_eq!(a.minus(&b).iter().collect::<Vec<_>>(), vec![1, 200]);
        assert!(b.and(&[5].into_iter().collect()).is_empty());
        assert_eq!(a.minus(&[200].into_iter().collect()), [1, 70].into_iter().collect());
        assert!(a.contains(200) && !a.contains(2000));
    }
}

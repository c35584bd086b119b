//! All interleavings of a few machines, not some at random: each state that can be reached is looked at, up to a depth.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::fmt::{self, Debug, Write};
use std::hash::Hasher;
use std::rc::Rc;

/// Machines, what is on its way between them, and what may happen next.
pub(crate) trait Model: Clone {
    /// What may happen.
    type Step: Copy + Debug;

    /// What may happen now.
    fn steps(&self) -> Vec<Self::Step>;

    /// It happens. Panics if what must always hold does not hold then.
    fn happen(&mut self, step: Self::Step);

    /// Writes down all that matters: two models that write the same have the same future.
    fn describe(&self, out: &mut dyn Write) -> fmt::Result;

    /// All goes well for a while, and nothing more is asked for.
    fn calm_down(&mut self);

    /// Is everything as it is to be in the end?
    fn is_at_rest(&self) -> bool;
}

/// Looks at all models that at most so many steps make of this one: each comes to rest once all goes well, and stays there.
/// Returns how many there are.
pub(crate) fn explore<M: Model>(first: M, depth: usize) -> usize {
    let mut seen = HashSet::from([fingerprint(&first)]);
    let mut settled = HashSet::new();
    let mut open = VecDeque::from([(first, Path::default())]);
    while let Some((model, path)) = open.pop_front() {
        let _told = ToldInPanic(path.clone());
        settle(&model, &mut settled);
        if path.length == depth {
            continue;
        }
        for step in model.steps() {
            let path = path.and(step);
            let _told = ToldInPanic(path.clone());
            let mut next = model.clone();
            next.happen(step);
            if seen.insert(fingerprint(&next)) {
                open.push_back((next, path));
            }
        }
    }
    seen.len()
}

/// `settled`: those that come to rest, as far as we know.
fn settle<M: Model>(model: &M, settled: &mut HashSet<u64>) {
    let mut model = model.clone();
    let mut passed = Vec::new();
    while !settled.contains(&fingerprint(&model)) {
        assert!(passed.len() < ROUNDS, "no rest");
        passed.push(fingerprint(&model));
        let was_at_rest = model.is_at_rest();
        model.calm_down();
        if was_at_rest {
            assert!(model.is_at_rest(), "a rest that ends by itself");
            break;
        }
    }
    settled.extend(passed);
}

/// Of models that differ it is the same in one of 2⁶⁴ cases.
fn fingerprint(model: &impl Model) -> u64 {
    struct Hashed(DefaultHasher);
    impl Write for Hashed {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut out = Hashed(DefaultHasher::new());
    model.describe(&mut out).expect("a hash takes everything");
    out.0.finish()
}

/// How a model came about; those that come of it share it.
struct Path<S> {
    length: usize,
    last: Option<Rc<(S, Path<S>)>>,
}

impl<S> Default for Path<S> {
    fn default() -> Path<S> {
        Path { length: 0, last: None }
    }
}

impl<S> Clone for Path<S> {
    fn clone(&self) -> Path<S> {
        Path { length: self.length, last: self.last.clone() }
    }
}

impl<S: Copy> Path<S> {
    fn and(&self, step: S) -> Path<S> {
        Path { length: self.length + 1, last: Some(Rc::new((step, self.clone()))) }
    }

    fn steps(&self) -> Vec<S> {
        let mut steps = Vec::new();
        let mut path = self;
        while let Some(last) = &path.last {
            steps.push(last.0);
            path = &last.1;
        }
        steps.reverse();
        steps
    }
}

/// A test that fails says on which path.
struct ToldInPanic<S: Copy + Debug>(Path<S>);

impl<S: Copy + Debug> Drop for ToldInPanic<S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("on this path: {:?}", self.0.steps());
        }
    }
}

/// Until then everything is at rest, or never will be.
const ROUNDS: usize = 60;

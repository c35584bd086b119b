//! When a Node environment ends (a worker is terminated, the process exits), the engine must let go of its memory
//! before V8 does. One hook per JavaScript thread closes everything that was made on it.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use napi::{Env, Result};

/// Something that must be closed before its environment ends.
pub(super) trait Close {
    /// Returns when nothing of the environment is or will be touched.
    fn close(&self);
}

thread_local! {
    /// None until the hook is set, and again after it has run.
    static OPEN: RefCell<Option<Vec<Weak<dyn Close>>>> = const { RefCell::new(None) };
}

/// Closes `what` when this thread's environment ends, if it still exists then.
pub(super) fn at_teardown(env: &Env, what: &Rc<dyn Close>) -> Result<()> {
    let is_first = OPEN.with_borrow_mut(|open| {
        let is_first = open.is_none();
        let open = open.get_or_insert_default();
        open.retain(|other| other.strong_count() > 0);
        open.push(Rc::downgrade(what));
        is_first
    });
    if is_first {
        env.add_env_cleanup_hook((), |()| {
            let open = OPEN.with_borrow_mut(Option::take);
            open.into_iter().flatten().filter_map(|weak| weak.upgrade()).for_each(|what| what.close());
        })?;
    }
    Ok(())
}

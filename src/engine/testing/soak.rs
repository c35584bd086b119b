//! How far those tests go that could go on for ever.

/// How many cases a property is tried with: all of them in the soak run (`SOAK=1 cargo soak`), a quarter of them else. For those that
/// would take five seconds or more.
pub(crate) fn cases(all: u32) -> u32 {
    if std::env::var_os("SOAK").is_some() { all } else { all / 4 }
}

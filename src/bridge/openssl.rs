//! OpenSSL, configured as Node configures its own: by the same file and the same section of it. By itself it would read
//! another section, which may demand less.

use std::ffi::{CString, c_char, c_int, c_ulong};
use std::sync::OnceLock;

use napi::{Error, Result, Status};
use openssl_sys::{OPENSSL_INIT_NO_ATEXIT, OPENSSL_INIT_SETTINGS, OPENSSL_init_ssl};

#[expect(unsafe_code, reason = "openssl-sys does not have them")]
unsafe extern "C" {
    fn OPENSSL_INIT_new() -> *mut OPENSSL_INIT_SETTINGS;
    fn OPENSSL_INIT_free(settings: *mut OPENSSL_INIT_SETTINGS);
    fn OPENSSL_INIT_set_config_filename(settings: *mut OPENSSL_INIT_SETTINGS, name: *const c_char) -> c_int;
    fn OPENSSL_INIT_set_config_appname(settings: *mut OPENSSL_INIT_SETTINGS, name: *const c_char) -> c_int;
    fn OPENSSL_INIT_set_config_file_flags(settings: *mut OPENSSL_INIT_SETTINGS, flags: c_ulong);
}

/// Reads `section` of `file`, the first time; None = the usual file. Comes before any other use of OpenSSL's TLS.
pub(super) fn configure(file: Option<String>, section: String) -> Result<()> {
    static CONFIGURED: OnceLock<bool> = OnceLock::new();
    let text = |text| CString::new(text).map_err(|error| Error::new(Status::InvalidArg, error.to_string()));
    let (file, section) = (file.map(text).transpose()?, text(section)?);
    match CONFIGURED.get_or_init(|| initialize(file.as_ref(), &section)) {
        true => Ok(()),
        false => {
            let message = "Invalid ssl: OpenSSL does not take the configuration that the process gives it";
            Err(Error::new(Status::InvalidArg, message))
        }
    }
}

#[expect(unsafe_code, reason = "openssl has no safe function for it")]
fn initialize(file: Option<&CString>, section: &CString) -> bool {
    // SAFETY: the settings are OpenSSL's own, checked for null, and freed once, when nobody has them any more. It copies the
    // texts, which end in NUL. Nothing here may be called at the same time as itself: `OnceLock`.
    unsafe {
        let settings = OPENSSL_INIT_new();
        if settings.is_null() {
            return false;
        }
        let is_set = OPENSSL_INIT_set_config_appname(settings, section.as_ptr()) == 1
            && file.is_none_or(|file| OPENSSL_INIT_set_config_filename(settings, file.as_ptr()) == 1);
        OPENSSL_INIT_set_config_file_flags(settings, IGNORE_MISSING_FILE);
        // Without a handler at the end of the process, which other threads of ours may outlive.
        let is_done = is_set && OPENSSL_init_ssl(LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, settings) == 1;
        OPENSSL_INIT_free(settings);
        is_done
    }
}

/// `OPENSSL_INIT_LOAD_CONFIG`
const LOAD_CONFIG: u64 = 0x40;
/// `CONF_MFLAGS_IGNORE_MISSING_FILE`
const IGNORE_MISSING_FILE: c_ulong = 0x10;

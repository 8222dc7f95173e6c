//! [`read`]: a secret that stands in a file of its own.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// How many bytes a secret may have: 64 KiB.
const BYTES_MAX: u64 = 64 * 1024;

/// The secret in this file, without the blanks around it; or what is wrong with the file, without what stands in it.
///
/// It must be a file and no folder or pipe, which might never end, and on Unix none that everybody may write: whoever
/// can put a secret in its place decides where alerts go. That others may read it is allowed, since that is how
/// containers are given secrets.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let unreadable = |error: io::Error| format!("the secret in {shown} cannot be read: {error}");
    // Looked at first: to open a pipe may wait for ever.
    let there = std::fs::metadata(path).map_err(unreadable)?;
    if !there.is_file() {
        return Err(format!("the secret in {shown} cannot be read: it is no file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        const BY_OTHERS: u32 = 0o002;
        if there.permissions().mode() & BY_OTHERS != 0 {
            return Err(format!(
                "the secret in {shown} may be written by everybody; `chmod o-w {shown}` ends that"
            ));
        }
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    // One byte more than may be: whoever comes that far is too long.
    file.take(BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|bytes| bytes > BYTES_MAX) {
        return Err(format!("the secret in {shown} is longer than {BYTES_MAX} bytes"));
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(format!("the secret in {shown} is no text in UTF-8"));
    };
    let secret = text.trim();
    if secret.is_empty() {
        return Err(format!("the secret in {shown} is empty"));
    }
    Ok(secret.to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_secret_is_read_trimmed_and_a_wrong_file_is_told_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let check = |text: &[u8], mode: u32, expected: Result<&str, &str>| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match (read(&path), expected) {
                (Ok(secret), Ok(expected)) => assert_eq!(secret, expected),
                (Err(message), Err(part)) => {
                    assert!(message.contains(part), "{message}");
                    assert!(!message.contains("hunter2"), "{message}");
                }
                (got, expected) => panic!("{got:?}, expected {expected:?}"),
            }
        };
        check(b"  hunter2\n", 0o600, Ok("hunter2"));
        check(b"hunter2", 0o444, Ok("hunter2"));
        check(b"hunter2", 0o602, Err("written by everybody"));
        check(b" \n", 0o600, Err("is empty"));
        check(b"hunter2\xff", 0o600, Err("UTF-8"));
        check(&vec![b'a'; 65_537], 0o600, Err("longer than 65536"));
        assert!(read(folder.path()).unwrap_err().contains("no file"));
        assert!(read(&folder.path().join("none")).unwrap_err().contains("cannot be read"));
    }
}

//! Names and patterns that anybody may have written.

use xbar_discovery::{Pattern, Uri};
use xbar_shm::RegionName;

/// Any text as a URI and as a region's name: taken as it is, or refused in one line.
pub fn uris(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Uri::new(&text) {
        Ok(uri) => {
            assert_eq!(uri.as_str(), text);
            assert!(text.len() <= 255 && text.starts_with('/') && !text.contains("//"));
            assert!(uri.segments().all(|segment| !matches!(segment, "" | "." | "..")));
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
    match RegionName::new(&text) {
        Ok(name) => assert!(!name.as_str().starts_with('.') && !text.contains('/')),
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
}

/// Any text as a pattern and a URI: refused, or matched in steps that are counted by the lengths of both.
pub fn patterns(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (pattern, uri) = text.split_once('\n').unwrap_or((&text, "/a"));
    match (Pattern::new(pattern), Uri::new(uri)) {
        (Ok(pattern), Ok(uri)) => {
            let matches = pattern.matches(&uri);
            assert!(matches || pattern.as_str() != uri.as_str(), "a URI is a pattern that matches itself");
            assert!(Pattern::everything().matches(&uri));
        }
        (Err(error), _) => assert!(!error.to_string().contains('\n'), "{error}"),
        _ => {}
    }
}

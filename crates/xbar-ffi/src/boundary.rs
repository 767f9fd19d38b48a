//! The one place that every entry goes through: no panic crosses it, and every failure leaves its words.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::failure::Failure;
use crate::last_error;
use crate::result::xbar_result;

/// Does `work`, and says what became of it.
pub(crate) fn enter(work: impl FnOnce() -> Result<(), Failure>) -> xbar_result {
    // Unwind safety: behind a panic the handles may only be closed, which is documented.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => xbar_result::XBAR_OK,
        Ok(Err(failure)) => {
            last_error::set(&failure.text);
            failure.result
        }
        Err(panic) => {
            tell(panic);
            xbar_result::XBAR_PANIC
        }
    }
}

/// As [`enter`], for what cannot fail: `otherwise` is what a panic leaves.
pub(crate) fn value<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        tell(panic);
        otherwise
    })
}

fn tell(panic: Box<dyn Any + Send>) {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    last_error::set(&format!(
        "a defect of xbar, please report it: {}",
        said.unwrap_or("a panic without words")
    ));
    // Its drop could panic again.
    std::mem::forget(panic);
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[allow(unsafe_code)] // reads the words as C does
    fn words() -> String {
        // SAFETY: a text that ends with zero, and nothing fails before it is copied.
        unsafe { CStr::from_ptr(last_error::xbar_last_error()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn no_panic_crosses_the_boundary() {
        assert_eq!(words(), "");
        assert_eq!(enter(|| panic!("number {}", 7)), xbar_result::XBAR_PANIC);
        assert_eq!(words(), "a defect of xbar, please report it: number 7");
        assert_eq!(value(3, || panic!("words")), 3);
        assert_eq!(words(), "a defect of xbar, please report it: words");
        struct Worse;
        impl Drop for Worse {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert_eq!(enter(|| std::panic::panic_any(Worse)), xbar_result::XBAR_PANIC);
        assert!(words().ends_with("without words"), "{}", words());
    }

    #[test]
    fn words_stay_until_the_next_failure_and_are_each_threads_own() {
        let refused = || Err(Failure::invalid("no"));
        assert_eq!(enter(refused), xbar_result::XBAR_INVALID);
        assert_eq!(enter(|| Ok(())), xbar_result::XBAR_OK);
        assert_eq!(words(), "no");
        assert_eq!(std::thread::spawn(words).join().unwrap(), "");
    }
}

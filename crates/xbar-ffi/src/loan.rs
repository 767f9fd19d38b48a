//! A loan in C's hands: room for a message, until it is published or abandoned.

#![allow(unsafe_code)] // pointers of callers; loans that keep what they borrow

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::rc::Rc;

use xbar::{Loan, NoRoom, PublishError};

use crate::arguments::{duration, exclusive, tell};
use crate::boundary::enter;
use crate::failure::Failure;
use crate::result::xbar_result;
use crate::topic;

/// Room for a message that this process alone can reach. Of `xbar_topic_loan`; published or abandoned once. Do not copy it.
///
/// Threads: as its topic.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_loan {
    /// The message's bytes, to be written; NULL when it is published, abandoned, or was not lent.
    pub data: *mut c_void,
    /// Bytes of the message: as asked for, or as `xbar_loan_set_len` said. Writing to it changes nothing.
    pub len: usize,
    /// Bytes that it may have at most.
    pub capacity: usize,
    /// The library's.
    pub internal: *mut c_void,
}

impl xbar_loan {
    pub(crate) const NONE: Self =
        Self { data: ptr::null_mut(), len: 0, capacity: 0, internal: ptr::null_mut() };
}

/// A loan, and what it borrows from. Invariant: the loan goes first, and both stay where they are.
pub(crate) struct Lent {
    loan: Loan<'static>,
    topic: Rc<topic::Inner>,
}

type Place = Box<Option<Lent>>;

impl Lent {
    pub(crate) fn of(topic: &Rc<topic::Inner>, len: usize) -> Result<xbar_loan, PublishError> {
        let loan = topic.publisher.publisher.loan(&topic.topic, len)?;
        // SAFETY: it borrows from what `topic` keeps, and goes before that (invariant).
        let loan = unsafe { mem::transmute::<Loan<'_>, Loan<'static>>(loan) };
        Ok(show(topic.spares.put(Self { loan, topic: Rc::clone(topic) })))
    }
}

/// What C sees of it.
fn show(mut place: Place) -> xbar_loan {
    let Some(lent) = &mut *place else { return xbar_loan::NONE };
    let (data, len, capacity) = (lent.loan.as_mut_ptr(), lent.loan.len(), lent.loan.capacity());
    xbar_loan { data: data.cast(), len, capacity, internal: Box::into_raw(place).cast() }
}

/// The loan that C has; `loan` is none then.
///
/// # Safety
///
/// `loan` is null, or points to one of [`show`] or none, and nobody else uses it.
unsafe fn take<'a>(loan: *mut xbar_loan) -> Result<(&'a mut xbar_loan, Place), Failure> {
    // SAFETY: the caller's promise.
    let loan = unsafe { exclusive("loan", loan) }?;
    let place = mem::replace(loan, xbar_loan::NONE).internal.cast::<Option<Lent>>();
    if place.is_null() {
        return Err(Failure::invalid("the loan was published or abandoned before: lend another"));
    }
    // SAFETY: of `show`, and not taken since.
    Ok((loan, unsafe { Box::from_raw(place) }))
}

/// Ends a loan with `end`, which may give it back.
///
/// # Safety
///
/// As `xbar_loan_publish`.
unsafe fn publish(
    loan: *mut xbar_loan,
    sequence: *mut u64,
    end: impl FnOnce(Loan<'static>, &topic::Inner) -> Result<u64, (Loan<'static>, Failure)>,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let (seen, mut place) = unsafe { take(loan) }?;
    let Some(Lent { loan, topic }) = place.take() else { return Ok(()) };
    match end(loan, &topic) {
        Ok(number) => {
            topic.spares.keep(place);
            // SAFETY: the caller's promise.
            unsafe { tell(sequence, number) };
            Ok(())
        }
        Err((loan, failure)) => {
            *place = Some(Lent { loan, topic });
            *seen = show(place);
            Err(failure)
        }
    }
}

/// Makes the message `len` bytes long, keeping what is written. `loan->data` may be another pointer then.
///
/// `XBAR_TOO_LARGE` when that is more than `loan->capacity`, `XBAR_LIMIT` when a loan of up to 48 bytes needs a block to grow and
/// too many are out; nothing changes then.
///
/// # Safety
///
/// `loan` is NULL or a loan of `xbar_topic_loan`, and no copy of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_loan_set_len(loan: *mut xbar_loan, len: usize) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let (seen, mut place) = unsafe { take(loan) }?;
        let done = match &mut *place {
            Some(lent) => lent.loan.set_len(len),
            None => Ok(()),
        };
        *seen = show(place);
        Ok(done?)
    })
}

/// Publishes the message. Takes as long whatever its size; waits for room where the topic is lossless. Its number goes into
/// `sequence`, unless that is NULL. `XBAR_STOPPED` when the publisher's shutdown ended the wait: the loan stays then.
///
/// # Safety
///
/// `loan` is NULL or a loan of `xbar_topic_loan`, and no copy of it; `sequence` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_loan_publish(loan: *mut xbar_loan, sequence: *mut u64) -> xbar_result {
    let end = |loan: Loan<'static>, topic: &topic::Inner| match topic.publisher.waiting.get() {
        None => Ok(loan.publish()),
        Some(waiting) => loan.publish_with(waiting).map_err(|NoRoom(loan)| {
            let uri = topic.topic.uri();
            let text =
                format!("waiting for room in {uri} was stopped: publish the loan later, or abandon it");
            (loan, Failure { result: xbar_result::XBAR_STOPPED, text: text.into() })
        }),
    };
    // SAFETY: the caller's promise.
    enter(|| unsafe { publish(loan, sequence, end) })
}

fn full(NoRoom(loan): NoRoom<Loan<'static>>) -> (Loan<'static>, Failure) {
    let text = NoRoom(()).to_string().into();
    (loan, Failure { result: xbar_result::XBAR_FULL, text })
}

/// As `xbar_loan_publish`, without waiting: `XBAR_FULL` when it would have to, and the loan stays.
///
/// # Safety
///
/// As `xbar_loan_publish`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_loan_try_publish(loan: *mut xbar_loan, sequence: *mut u64) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { publish(loan, sequence, |loan, _| loan.try_publish().map_err(full)) })
}

/// As `xbar_loan_publish`, waiting up to `timeout_ns`: then `XBAR_FULL`, and the loan stays.
///
/// # Safety
///
/// As `xbar_loan_publish`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_loan_publish_timeout(
    loan: *mut xbar_loan,
    timeout_ns: u64,
    sequence: *mut u64,
) -> xbar_result {
    let end =
        |loan: Loan<'static>, _: &topic::Inner| loan.publish_timeout(duration(timeout_ns)).map_err(full);
    // SAFETY: the caller's promise.
    enter(|| unsafe { publish(loan, sequence, end) })
}

/// Gives the room back; nobody notices. One that is published or abandoned already is left alone.
///
/// # Safety
///
/// `loan` is NULL or a loan of `xbar_topic_loan`, and no copy of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_loan_abandon(loan: *mut xbar_loan) {
    crate::boundary::value((), || {
        // SAFETY: the caller's promise.
        let Ok((_, mut place)) = (unsafe { take(loan) }) else { return };
        if let Some(Lent { loan, topic }) = place.take() {
            drop(loan);
            topic.spares.keep(place);
        }
    });
}

//! Structured messages: a header and an array of elements in one message, written and read in place.
//!
//! ```text
//! offset 0    preamble: size and alignment of header and element, and how many elements
//! then        the header, aligned
//! then        the elements, aligned
//! ```
//!
//! Whoever reads computes the same places again from its own types, and compares them with the preamble and with the length
//! of the message: no number that somebody else wrote is used unchecked.

use std::fmt;
use std::ops::Deref;

use bytemuck::{Pod, Zeroable};

use crate::Loan;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Preamble {
    magic: u32,
    header_bytes: u32,
    element_bytes: u32,
    elements: u32,
    header_align: u16,
    element_align: u16,
    reserved: u32,
}

const MAGIC: u32 = u32::from_le_bytes(*b"xbst");

const _: () = assert!(size_of::<Preamble>() == 24);

/// Alignment that the bytes of a loan have.
const BLOCK_ALIGN: usize = 64;

/// Why a structured message cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StructuredError {
    /// Header and elements do not fit the loan.
    TooLarge {
        /// Bytes that they take.
        bytes: usize,
        /// Bytes that there are.
        most: usize,
    },
    /// The types want more alignment than the message's bytes have.
    Alignment {
        /// What they want.
        align: usize,
    },
    /// The message is none that was written as a structured one.
    NotStructured {
        /// Its bytes.
        bytes: usize,
    },
    /// The message was written with another header type.
    Header {
        /// Size and alignment of the type asked for.
        asked: (usize, usize),
        /// Those that the message says.
        found: (usize, usize),
    },
    /// The message was written with another element type.
    Element {
        /// Size and alignment of the type asked for.
        asked: (usize, usize),
        /// Those that the message says.
        found: (usize, usize),
    },
    /// The message says that it has more elements than it has bytes for.
    Length {
        /// Elements it says.
        elements: usize,
        /// Bytes of the message.
        bytes: usize,
    },
}

impl fmt::Display for StructuredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let other = |f: &mut fmt::Formatter<'_>, what, asked: (usize, usize), found: (usize, usize)| {
            write!(
                f,
                "the {what} of the message has {} bytes aligned to {}, and was read as {} bytes aligned to {}: use the \
                 type that was written",
                found.0, found.1, asked.0, asked.1
            )
        };
        match *self {
            Self::TooLarge { bytes, most } => write!(
                f,
                "header and elements take {bytes} bytes, the loan has {most}: register the topic with larger `max_bytes`"
            ),
            Self::Alignment { align } => {
                write!(f, "the bytes of the message are not aligned to the {align} bytes that the type needs")
            }
            Self::NotStructured { bytes } => {
                write!(f, "a message of {bytes} bytes was not written by `write_structured`")
            }
            Self::Header { asked, found } => other(f, "header", asked, found),
            Self::Element { asked, found } => other(f, "element", asked, found),
            Self::Length { elements, bytes } => write!(
                f,
                "a message of {bytes} bytes cannot have the {elements} elements that it says: it is damaged"
            ),
        }
    }
}

impl std::error::Error for StructuredError {}

/// Size and alignment of a type.
const fn shape<T>() -> (usize, usize) {
    (size_of::<T>(), align_of::<T>())
}

/// Where the header begins.
const fn header_place(align: usize) -> usize {
    size_of::<Preamble>().next_multiple_of(align)
}

/// Where the elements begin, behind a header of that size and alignment.
const fn array_place((header_bytes, header_align): (usize, usize), align: usize) -> usize {
    (header_place(header_align) + header_bytes).next_multiple_of(align)
}

impl Loan<'_> {
    /// Makes the message a header and a copy of `elements`.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("xbar-doc-struct-{}", std::process::id()));
    /// use xbar::{Config, Publisher, Structured, Subscriber};
    ///
    /// let publisher = Publisher::create("camera", &Config::new().dir(&dir))?;
    /// let left = publisher.register("/left")?;
    /// let stream = Subscriber::connect_in(&dir, "camera")?.subscribe("/left")?;
    ///
    /// let mut loan = publisher.loan(&left, 0)?;
    /// loan.write_structured(&[640_u32, 1], &[0.5_f32; 640])?;
    /// loan.publish();
    ///
    /// let frame = stream.recv()?;
    /// let [width, height] = *frame.read_header::<[u32; 2]>()?;
    /// assert_eq!((width, height, frame.read_array::<f32>()?.len()), (640, 1, 640));
    /// # drop(publisher);
    /// # std::fs::remove_dir_all(&dir).ok();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`StructuredError`] when they do not fit; nothing changes then.
    pub fn write_structured<H: Pod, E: Pod>(
        &mut self,
        header: &H,
        elements: &[E],
    ) -> Result<(), StructuredError> {
        self.structured::<H, E>(header, elements.len())?.copy_from_slice(elements);
        Ok(())
    }

    /// Makes the message a header and `count` elements, which are to be written in place: they hold the bytes of an earlier
    /// message.
    ///
    /// # Errors
    ///
    /// As [`Loan::write_structured`].
    pub fn structured<H: Pod, E: Pod>(
        &mut self,
        header: &H,
        count: usize,
    ) -> Result<&mut [E], StructuredError> {
        let align = align_of::<H>().max(align_of::<E>());
        if align > BLOCK_ALIGN {
            return Err(StructuredError::Alignment { align });
        }
        let (header_at, array_at) =
            (header_place(align_of::<H>()), array_place(shape::<H>(), align_of::<E>()));
        let most = self.capacity();
        let bytes = size_of::<E>().saturating_mul(count).saturating_add(array_at);
        let too_large = StructuredError::TooLarge { bytes, most };
        let elements = u32::try_from(count).map_err(|_| too_large)?;
        self.set_len(bytes).map_err(|_| too_large)?;
        let preamble = Preamble {
            magic: MAGIC,
            // Sizes within a block, alignments of at most 64: checked above.
            header_bytes: size_of::<H>() as u32,
            element_bytes: size_of::<E>() as u32,
            elements,
            header_align: align_of::<H>() as u16,
            element_align: align_of::<E>() as u16,
            reserved: 0,
        };
        self[..size_of::<Preamble>()].copy_from_slice(bytemuck::bytes_of(&preamble));
        self[header_at..][..size_of::<H>()].copy_from_slice(bytemuck::bytes_of(header));
        bytemuck::try_cast_slice_mut(&mut self[array_at..]).map_err(|_| StructuredError::Alignment { align })
    }
}

/// Reading structured messages: of every sample, and of any bytes.
///
/// Everything is checked: the bytes may be anybody's.
pub trait Structured {
    /// The header.
    ///
    /// # Errors
    ///
    /// [`StructuredError`] when the message is not structured, or has another header.
    fn read_header<H: Pod>(&self) -> Result<&H, StructuredError>;

    /// The elements.
    ///
    /// # Errors
    ///
    /// [`StructuredError`] when the message is not structured, or has other elements.
    fn read_array<E: Pod>(&self) -> Result<&[E], StructuredError>;
}

impl<S: Deref<Target = [u8]>> Structured for S {
    fn read_header<H: Pod>(&self) -> Result<&H, StructuredError> {
        let preamble = preamble(self)?;
        let (asked, found) = (shape::<H>(), header_shape(&preamble));
        if found != asked {
            return Err(StructuredError::Header { asked, found });
        }
        let bytes = self.get(header_place(asked.1)..).and_then(|bytes| bytes.get(..asked.0));
        let bytes = bytes.ok_or(StructuredError::NotStructured { bytes: self.len() })?;
        bytemuck::try_from_bytes(bytes).map_err(|_| StructuredError::Alignment { align: asked.1 })
    }

    fn read_array<E: Pod>(&self) -> Result<&[E], StructuredError> {
        let preamble = preamble(self)?;
        let found = (preamble.element_bytes as usize, usize::from(preamble.element_align));
        let asked = shape::<E>();
        if found != asked {
            return Err(StructuredError::Element { asked, found });
        }
        let header = header_shape(&preamble);
        if !header.1.is_power_of_two() || header.1 > BLOCK_ALIGN {
            return Err(StructuredError::NotStructured { bytes: self.len() });
        }
        let elements = preamble.elements as usize;
        let bytes = self.get(array_place(header, asked.1)..);
        let bytes = bytes.and_then(|bytes| bytes.get(..asked.0.checked_mul(elements)?));
        let bytes = bytes.ok_or(StructuredError::Length { elements, bytes: self.len() })?;
        bytemuck::try_cast_slice(bytes).map_err(|_| StructuredError::Alignment { align: asked.1 })
    }
}

fn header_shape(preamble: &Preamble) -> (usize, usize) {
    (preamble.header_bytes as usize, usize::from(preamble.header_align))
}

fn preamble(message: &[u8]) -> Result<Preamble, StructuredError> {
    let bytes = message.len();
    let preamble = message.get(..size_of::<Preamble>()).map(bytemuck::pod_read_unaligned::<Preamble>);
    preamble.filter(|preamble| preamble.magic == MAGIC).ok_or(StructuredError::NotStructured { bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the bytes, reading ends with an error or with what lies within them.
        #[test]
        fn no_bytes_make_reading_leave_the_message(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
            magic: bool,
            sizes in (0..40_u32, 0..8_u32, any::<u32>(), 0..130_u16, 0..8_u16),
            few: bool,
        ) {
            if magic && bytes.len() >= size_of::<Preamble>() {
                let (header_bytes, element_bytes, elements, header_align, element_align) = sizes;
                let elements = if few { elements % 64 } else { elements };
                let preamble = Preamble {
                    magic: MAGIC, header_bytes, element_bytes, elements, header_align, element_align, reserved: 0,
                };
                bytes[..size_of::<Preamble>()].copy_from_slice(bytemuck::bytes_of(&preamble));
            }
            let message = &bytes[..];
            let _ = message.read_header::<[u64; 2]>();
            let _ = message.read_header::<u8>();
            let _ = message.read_array::<u32>();
            if let Ok(array) = message.read_array::<u8>() {
                prop_assert!(array.len() <= bytes.len());
            }
            let _ = message.read_array::<[u16; 0]>();
        }
    }
}

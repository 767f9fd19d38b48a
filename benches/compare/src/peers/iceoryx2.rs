//! iceoryx2: publish-subscribe services of byte slices, in shared memory (`ipc`).

#![allow(unsafe_code)] // a sample of which only the first bytes are written

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::{LogLevel, Node, NodeBuilder, ServiceName, ipc, set_log_level};
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;

use crate::bus::{Bus, Puts, Takes};
use crate::contract::{Outcome, told};

type Factory = PortFactory<ipc::Service, [u8], ()>;

/// A service.
#[derive(Debug)]
pub struct Service;

/// A publisher, and what keeps it.
pub struct Output {
    publisher: Publisher<ipc::Service, [u8], ()>,
    _service: (Factory, Node<ipc::Service>),
}

/// A subscriber, and what keeps it.
pub struct Input {
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    _service: (Factory, Node<ipc::Service>),
}

/// One publisher, no history, the oldest is overwritten: as topics of ours and crossbar's are.
fn service(name: &str, readers: usize) -> Outcome<(Factory, Node<ipc::Service>)> {
    set_log_level(LogLevel::Error);
    let node = NodeBuilder::new().create::<ipc::Service>().map_err(told)?;
    let name = ServiceName::new(name).map_err(told)?;
    let builder = node.service_builder(&name).publish_subscribe::<[u8]>();
    let builder = builder
        .enable_safe_overflow(true)
        .history_size(0)
        .max_publishers(1)
        .max_subscribers(readers)
        .max_nodes(1 + readers);
    let factory = builder.open_or_create().map_err(told)?;
    Ok((factory, node))
}

impl Bus for Service {
    const NAME: &'static str = "iceoryx2";
    type Output = Output;
    type Input = Input;

    fn output(name: &str, bytes: usize) -> Outcome<Output> {
        Self::output_to(name, bytes, 1)
    }

    fn output_to(name: &str, bytes: usize, readers: usize) -> Outcome<Output> {
        let service = service(name, readers)?;
        let publisher = service.0.publisher_builder().initial_max_slice_len(bytes).create().map_err(told)?;
        Ok(Output { publisher, _service: service })
    }

    fn input(name: &str) -> Outcome<Input> {
        // Room for one at least: the service exists, with as much as it was made with.
        let service = service(name, 1)?;
        let subscriber = service.0.subscriber_builder().create().map_err(told)?;
        Ok(Input { subscriber, _service: service })
    }
}

impl Puts for Output {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.whole(bytes);
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        let sample = self.publisher.loan_slice_uninit(bytes.len()).expect("a loan");
        sample.write_from_slice(bytes).send().expect("sent");
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        let mut sample = self.publisher.loan_slice_uninit(bytes).expect("a loan");
        for (place, byte) in sample.payload_mut().iter_mut().zip(first.to_le_bytes()) {
            place.write(byte);
        }
        // SAFETY: shared memory from the system is zeroed and later holds earlier messages: every byte has a value.
        let sample = unsafe { sample.assume_init() };
        sample.send().expect("sent");
    }
}

impl Takes for Input {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.subscriber.receive().expect("a working connection").map(|sample| read(&sample))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        loop {
            if let Some(sample) = self.subscriber.receive().expect("a working connection") {
                return read(&sample);
            }
        }
    }
}

//! Victims that ask, and victims that answer.

use std::path::{Path, PathBuf};

use xbar::{Client, RequestError, RequestId, Server, ServerConfig};

use super::super::ear::PATIENCE;
use super::super::fault::{Checked, During, ensure};
use super::super::region::{NAME, SURVIVOR};
use super::super::victim::mark;
use super::super::words::{LARGE, SMALL, Words};
use super::{Operation, Scene};

/// What a victim does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Connect,
    Ask,
    HearAnswer,
    Leave,
    Answer,
    Refuse,
}

pub fn operations() -> Vec<Operation> {
    let operation = |name, part| Operation {
        name,
        scene: Box::new(move |dir: &Path| {
            Ok(Box::new(Asking { dir: dir.to_owned(), part, server: None, client: None, asked: None })
                as Box<dyn Scene>)
        }),
    };
    vec![
        operation("request: connect", Part::Connect),
        operation("request: ask", Part::Ask),
        operation("request: receive the answer", Part::HearAnswer),
        operation("request: leave", Part::Leave),
        operation("request: receive and answer", Part::Answer),
        operation("request: receive and refuse", Part::Refuse),
    ]
}

pub fn config(dir: &Path) -> ServerConfig {
    ServerConfig::new().clients(2).depth(4).max_bytes(1024).dir(dir)
}

/// A server and a client in this process; one of them is the victim's part.
pub struct Asking {
    dir: PathBuf,
    part: Part,
    server: Option<Server>,
    client: Option<Client>,
    asked: Option<RequestId>,
}

impl Asking {
    /// A server and its client.
    pub fn of(dir: &Path, server: Server, client: Client) -> Self {
        let (server, client) = (Some(server), Some(client));
        Self { dir: dir.to_owned(), part: Part::Ask, server, client, asked: None }
    }

    /// They understand each other for as many times as there are seats, and more; and so does a newcomer, who sits on the seat of
    /// whoever died.
    pub fn go_on(&mut self, round: u64) -> Checked {
        for time in 0..3 {
            self.converse(SURVIVOR + 16 * round + 2 * time)?;
        }
        let newcomer = Client::connect_in(&self.dir, NAME).during("connecting anew")?;
        let old = self.client.replace(newcomer);
        self.converse(SURVIVOR + 16 * round + 9)?;
        self.client = old;
        Ok(())
    }

    fn is_server(&self) -> bool {
        matches!(self.part, Part::Answer | Part::Refuse)
    }

    /// Client and server of this process understand each other.
    fn converse(&self, source: u64) -> Checked {
        let (Some(server), Some(client)) = (&self.server, &self.client) else {
            return Err("nobody there".into());
        };
        for (number, length) in [SMALL, LARGE].into_iter().enumerate() {
            let question = Words { source, number: number as u64 };
            let answer = Words { source: source + 1, number: number as u64 };
            let id = client.send(&question.bytes(length), Some(PATIENCE)).during("asking")?;
            loop {
                let request = server.recv_timeout(PATIENCE).during("receiving a request")?;
                let words = Words::read(&request)?;
                if words == question {
                    request.reply(&answer.bytes(length)).during("answering")?;
                    break;
                }
                // The dead one's, which nobody waits for.
                ensure(words.source < SURVIVOR, || format!("a request that nobody sent: {words}"))?;
                // That it is dead is noticed now and then.
                match request.reply(&answer.bytes(SMALL)) {
                    Ok(()) | Err(RequestError::Disconnected | RequestError::Full) => {}
                    Err(error) => return Err(format!("answering the dead: {error}")),
                }
            }
            let reply = client.wait(id).during("waiting for the answer")?;
            ensure(Words::read(&reply)? == answer, || "another answer came".to_owned())?;
        }
        Ok(())
    }
}

impl Scene for Asking {
    fn ready(&mut self, _round: u64) -> Checked {
        if self.is_server() {
            (self.client, self.server) = (None, None);
        } else if self.server.is_none() {
            self.server = Some(config(&self.dir).serve(NAME).during("serving")?);
            self.client = Some(Client::connect_in(&self.dir, NAME).during("connecting")?);
        }
        Ok(())
    }

    fn play(&self, round: u64) {
        if self.is_server() {
            let server = config(&self.dir).serve(NAME).unwrap();
            mark();
            let request = server.try_recv().unwrap();
            match self.part {
                Part::Answer => request.reply(&Words { source: round, number: 0 }.bytes(LARGE)).unwrap(),
                _ => drop(request),
            }
            mark();
            return;
        }
        let ask =
            |client: &Client| client.send(&Words { source: round, number: 0 }.bytes(LARGE), None).unwrap();
        match self.part {
            Part::Connect => {
                mark();
                let client = Client::connect_in(&self.dir, NAME).unwrap();
                mark();
                drop(client);
            }
            Part::Ask => {
                let client = Client::connect_in(&self.dir, NAME).unwrap();
                mark();
                ask(&client);
                mark();
            }
            Part::Leave => {
                let client = Client::connect_in(&self.dir, NAME).unwrap();
                ask(&client);
                mark();
                drop(client);
                mark();
            }
            _ => {
                let client = Client::connect_in(&self.dir, NAME).unwrap();
                let id = ask(&client);
                mark();
                let reply = client.try_recv(id);
                mark();
                Words::read(&reply.unwrap()).unwrap();
            }
        }
    }

    fn begun(&mut self, round: u64) -> Checked {
        if self.is_server() {
            let client = Client::connect_in(&self.dir, NAME).during("connecting")?;
            let words = Words { source: SURVIVOR + round, number: 0 };
            self.asked = Some(client.send(&words.bytes(LARGE), Some(PATIENCE)).during("asking")?);
            self.client = Some(client);
        } else if let (Part::HearAnswer, Some(server)) = (self.part, &self.server) {
            let request = server.recv_timeout(PATIENCE).during("receiving a request")?;
            ensure(Words::read(&request)?.source == round, || "somebody else's request".to_owned())?;
            request.reply(&Words { source: SURVIVOR, number: round }.bytes(LARGE)).during("answering")?;
        }
        Ok(())
    }

    fn check(&mut self, round: u64) -> Checked {
        let client = if self.is_server() { self.client.take() } else { None };
        if let (Some(client), Some(id)) = (client, self.asked.take()) {
            match client.wait(id) {
                Ok(reply) => {
                    let words = Words::read(&reply)?;
                    let is_right = self.part == Part::Answer && words == Words { source: round, number: 0 };
                    ensure(is_right, || format!("the victim never answered {words}"))?;
                }
                Err(RequestError::Disconnected) => {}
                Err(RequestError::Refused) if self.part == Part::Refuse => {}
                Err(error) => return Err(format!("the server died: {error}")),
            }
            // Refused at once, or as soon as the server's death is noticed.
            let again = client.send(&[0; SMALL], None).and_then(|id| client.wait(id).map(|_| ()));
            ensure(matches!(again, Err(RequestError::Disconnected)), || {
                format!("asking the dead: {again:?}")
            })?;
        }
        if self.server.is_none() {
            self.server = Some(config(&self.dir).serve(NAME).during("serving")?);
            self.client = Some(Client::connect_in(&self.dir, NAME).during("connecting")?);
        }
        self.go_on(round)
    }

    fn finish(self: Box<Self>) -> Checked {
        Ok(())
    }
}

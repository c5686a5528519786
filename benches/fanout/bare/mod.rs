//! The limit: a server that does nothing but send. What a member of a room sends goes to all of its members as one ready
//! frame; a room is named by the path, `/17`. There is no session, no storage, no tenant, no order of its own.

mod member;

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};
use clap::Args;
use mio::net::TcpListener;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};

use crate::wire::{TEXT, write_frame};
use member::{Member, Seen};

const LISTENER: Token = Token(usize::MAX);
const PARENT: Token = Token(usize::MAX - 1);

/// Of the buffer that all members share.
const BUFFER_BYTES: usize = 256 * 1024;

/// A bare server, which ends with its standard input.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Bare {
    /// Send what has come in together together, with one system call for each member.
    #[arg(long)]
    pub(crate) coalescing: bool,
}

/// The line that it prints once it serves.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) listen: SocketAddr,
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    coalescing: bool,
    /// By token; those that have gone leave their place.
    members: Vec<Option<Member>>,
    free: Vec<usize>,
    rooms: Vec<Room>,
    /// Rooms in which something has been said that has not been sent.
    said: Vec<usize>,
    buffer: Vec<u8>,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    /// Frames to be sent, and where each ends.
    frames: Vec<u8>,
    ends: Vec<usize>,
}

/// Serves until the parent has gone.
pub(crate) fn run(bare: Bare) -> Result<()> {
    let mut server = Server::new(bare.coalescing)?;
    let mut events = Events::with_capacity(1024);
    loop {
        match server.poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            match event.token() {
                PARENT => return Ok(()),
                LISTENER => server.accept()?,
                Token(number) => {
                    if event.is_writable() {
                        server.flush(number);
                    }
                    if event.is_readable() {
                        server.read(number);
                    }
                }
            }
        }
        server.send_all();
    }
}

impl Server {
    fn new(coalescing: bool) -> Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        poll.registry().register(&mut SourceFd(&std::io::stdin().as_raw_fd()), PARENT, Interest::READABLE)?;
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, &Announcement { listen: listener.local_addr()? })?;
        writeln!(out)?;
        out.flush()?;
        Ok(Self {
            poll,
            listener,
            coalescing,
            members: Vec::new(),
            free: Vec::new(),
            rooms: Vec::new(),
            said: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    fn accept(&mut self) -> Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("no connection can be accepted"),
            };
            stream.set_nodelay(true)?;
            let number = self.free.pop().unwrap_or_else(|| {
                self.members.push(None);
                self.members.len() - 1
            });
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(number), interest)?;
            self.members[number] = Some(Member::new(stream));
        }
    }

    fn read(&mut self, number: usize) {
        let Self { members, rooms, said, buffer, .. } = self;
        let Some(member) = members[number].as_mut() else { return };
        let is_open = member.read(buffer, |seen| match seen {
            Seen::Entered(room) => {
                if rooms.len() <= room {
                    rooms.resize_with(room + 1, Room::default);
                }
                rooms[room].members.push(number);
            }
            Seen::Said(room, payload) => {
                let Room { frames, ends, .. } = &mut rooms[room];
                if ends.is_empty() {
                    said.push(room);
                }
                write_frame(frames, TEXT, payload);
                ends.push(frames.len());
            }
        });
        if !is_open {
            self.remove(number);
        }
        if !self.coalescing {
            self.send_all();
        }
    }

    /// Sends what has been said, to everybody in its room.
    fn send_all(&mut self) {
        let Self { members, rooms, said, .. } = self;
        for room in said.drain(..) {
            let Room { members: listening, frames, ends } = &mut rooms[room];
            let mut begin = 0;
            let whole = [frames.len()];
            for end in if self.coalescing { &whole } else { &ends[..] } {
                for number in &*listening {
                    // Those that have gone are found out when they are read.
                    if let Some(member) = members[*number].as_mut() {
                        member.send(&frames[begin..*end]);
                    }
                }
                begin = *end;
            }
            frames.clear();
            ends.clear();
        }
    }

    /// There is room again for what could not be sent.
    fn flush(&mut self, number: usize) {
        if let Some(member) = self.members[number].as_mut() {
            member.flush();
        }
    }

    fn remove(&mut self, number: usize) {
        let Some(member) = self.members[number].take() else { return };
        if let Some(room) = member.room() {
            self.rooms[room].members.retain(|other| *other != number);
        }
        self.free.push(number);
    }
}

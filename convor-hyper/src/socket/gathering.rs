//! What is written to a connection, gathered for few writes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// From how many bytes on what has been gathered is written without a flush.
const BYTES: usize = 16 * 1024;

/// Gathers what is written until it is flushed or much, and keeps no room for it afterwards. The buffer of tungstenite keeps
/// for ever the room that its fullest moment took, so that one burst would cost each idle connection as much as it gathers.
#[derive(Debug)]
pub(super) struct Gathering<S> {
    io: S,
    gathered: BytesMut,
}

impl<S> Gathering<S> {
    pub(super) fn new(io: S) -> Self {
        Self { io, gathered: BytesMut::new() }
    }
}

impl<S: AsyncWrite + Unpin> Gathering<S> {
    fn poll_write_out(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.gathered.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(context, &self.gathered))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.gathered.advance(written),
            }
        }
        self.gathered = BytesMut::new();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.gathered.len() >= BYTES {
            ready!(self.poll_write_out(context))?;
        }
        self.gathered.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(context))?;
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(context))?;
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Counts what it is given, and takes at most so much at once.
    #[derive(Debug, Default)]
    struct Counting {
        writes: usize,
        written: Vec<u8>,
        most: usize,
    }

    impl AsyncWrite for Counting {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.most);
            self.writes += 1;
            self.written.extend_from_slice(&bytes[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_burst_costs_few_writes_and_leaves_no_room_behind() {
        let mut io = Gathering::new(Counting { most: usize::MAX, ..Counting::default() });
        for _ in 0..100 {
            io.write_all(&[7; 550]).await.expect("it is taken");
        }
        io.flush().await.expect("it is written");
        assert_eq!((io.io.written.len(), io.gathered.capacity()), (55_000, 0));
        assert!(io.io.writes <= 10, "{} writes for 100 frames", io.io.writes);
    }

    #[tokio::test]
    async fn what_is_taken_in_parts_comes_out_whole_and_in_order() {
        let mut io = Gathering::new(Counting { most: 1_000, ..Counting::default() });
        let bytes: Vec<u8> = (0..200_u8).cycle().take(50_000).collect();
        for some in bytes.chunks(333) {
            io.write_all(some).await.expect("it is taken");
        }
        io.shutdown().await.expect("it is written before the end");
        assert_eq!(io.io.written, bytes);
    }

    #[tokio::test]
    async fn who_does_not_read_is_not_gathered_for_without_end() {
        let (io, mut peer) = tokio::io::duplex(1_000);
        let mut io = Gathering::new(io);
        let writing = tokio::spawn(async move {
            let mut written = 0_usize;
            while written < 10 * BYTES {
                io.write_all(&[7; 550]).await.expect("it is taken");
                written += 550;
                assert!(io.gathered.len() < BYTES + 550, "{} bytes wait", io.gathered.len());
            }
            io.shutdown().await.expect("it is written");
            written
        });
        let mut read = Vec::new();
        peer.read_to_end(&mut read).await.expect("it is read");
        assert_eq!(read.len(), writing.await.expect("no panic"));
    }
}

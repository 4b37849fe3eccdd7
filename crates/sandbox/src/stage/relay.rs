//! Passes connections from outside on to the command's port, and nothing in the other direction.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Connections at one time; more are closed at once.
const MOST: usize = 64;

pub fn start(listener: UnixListener, port: u16) {
    let open = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            if open.load(Ordering::SeqCst) >= MOST {
                continue;
            }
            open.fetch_add(1, Ordering::SeqCst);
            let open = Arc::clone(&open);
            std::thread::spawn(move || {
                // Either side may leave at any time, which ends the other.
                let _ = pass(&stream, port);
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
}

fn pass(outside: &UnixStream, port: u16) -> io::Result<()> {
    let v4 = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let inside = v4.or_else(|_| TcpStream::connect(SocketAddr::from((Ipv6Addr::LOCALHOST, port))))?;
    inside.set_nodelay(true)?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &*outside, &mut &inside);
            let _ = inside.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut &inside, &mut &*outside);
        let _ = outside.shutdown(Shutdown::Both);
        let _ = inside.shutdown(Shutdown::Both);
    });
    Ok(())
}

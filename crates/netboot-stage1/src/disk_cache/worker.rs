//! The process that does all that touches the disk.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use netboot_closure::Sha256;

use crate::disk_cache::blob_directory::BlobDirectory;
use crate::disk_cache::disk;
use crate::disk_cache::options::DiskCacheOptions;
use crate::disk_cache::request::{COMMIT, FINISH, Opened, Request};
use crate::disk_cache::said::print;

/// The first argument of the program that calls [`run`].
pub const ARGUMENT: &str = "--disk-cache-worker";

/// The greatest number of blobs that a boot can need.
const MOST_BLOBS: u64 = 1 << 20;

/// The arguments for [`run`].
pub(crate) fn arguments(options: &DiskCacheOptions) -> [OsString; 4] {
    let budget = options.budget.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
    let wait = options.wait.as_millis().to_string();
    [ARGUMENT.into(), options.label.clone().into(), budget.into(), wait.into()]
}

/// Runs the worker: its standard input is a listening socket, and it prints the reasons why the
/// cache cannot be used. `arguments` are those after [`ARGUMENT`]. Ends when its caller does.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for wrong arguments, and errors of the socket.
pub fn run(arguments: &[OsString]) -> io::Result<()> {
    let wrong = || io::Error::from(io::ErrorKind::InvalidInput);
    let [label, budget, wait] = arguments else { return Err(wrong()) };
    let label = label.to_str().ok_or_else(wrong)?;
    let budget = match budget.to_str().ok_or_else(wrong)? {
        "-" => None,
        bytes => Some(bytes.parse().map_err(|_| wrong())?),
    };
    let wait: u64 = wait.to_str().and_then(|wait| wait.parse().ok()).ok_or_else(wrong)?;
    let listener = UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (control, _) = listener.accept()?;
    let mut answer = control.try_clone()?;
    let opened = disk::mount(label, Duration::from_millis(wait), &print).and_then(|root| {
        let opened = BlobDirectory::open(root, budget);
        opened.map_err(|error| print(&format!("netboot-blobs cannot be used: {error}"))).ok()
    });
    let Some(directory) = opened else { return answer.write_all(&[Opened::No.byte()]) };
    let directory = Arc::new(directory);
    // Everything that runs has a reference to this value while it writes.
    let work = Arc::new(());
    answer.write_all(&[Opened::Yes.byte()])?;
    let (served, running) = (directory.clone(), work.clone());
    std::thread::Builder::new().name("serve".into()).spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let (directory, running) = (served.clone(), running.clone());
            let serve = move || {
                // A connection that ends early is a caller that has changed its mind.
                let _ = serve(&directory, stream);
                drop(running);
            };
            let _ = std::thread::Builder::new().stack_size(256 << 10).spawn(serve);
        }
    })?;
    wait_for_end(control, &directory, &work)
}

/// Waits until the caller has finished, or is gone.
fn wait_for_end(
    mut control: UnixStream,
    directory: &BlobDirectory,
    work: &Arc<()>,
) -> io::Result<()> {
    let mut letter = [0];
    control.read_exact(&mut letter)?;
    // Blobs that were committed are still on their way. The listening thread has one reference.
    while Arc::strong_count(work) > 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    if let Err(error) = directory.finish() {
        print(&format!("it could not be written: {error}"));
    }
    control.write_all(&[FINISH])
}

/// Serves one request.
fn serve(directory: &BlobDirectory, mut stream: UnixStream) -> io::Result<()> {
    match Request::receive(&mut stream)? {
        Request::Read { digest, least, most } => {
            let Some((mut file, size)) = directory.read(&digest, least..=most) else {
                return stream.write_all(&[0]);
            };
            stream.write_all(&[1])?;
            stream.write_all(&size.to_le_bytes())?;
            let mut buffer = vec![0; 128 << 10];
            let mut rest = size;
            while rest > 0 {
                let most = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
                match file.read(&mut buffer[..most]) {
                    Ok(0) => break,
                    Ok(length) => {
                        rest -= length as u64;
                        stream.write_all(&buffer[..length])?;
                    }
                    Err(error) => {
                        directory.failed("read", &error);
                        directory.discard(&digest);
                        return Err(error);
                    }
                }
            }
            Ok(())
        }
        Request::Write { digest, size } => {
            let Some(mut blob) = directory.create(&digest, size) else {
                return stream.write_all(&[0]);
            };
            stream.write_all(&[1])?;
            let mut buffer = vec![0; 128 << 10];
            let mut rest = size;
            while rest > 0 {
                let most = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
                let length = stream.read(&mut buffer[..most])?;
                if length == 0 {
                    return Ok(());
                }
                blob.write(&buffer[..length])?;
                rest -= length as u64;
            }
            let mut end = [0];
            stream.read_exact(&mut end)?;
            if end == [COMMIT] { blob.commit() } else { Ok(()) }
        }
        Request::Discard { digest } => {
            directory.discard(&digest);
            stream.write_all(&[1])
        }
        Request::Need { length } => {
            let mut blobs = HashSet::new();
            let mut digest = [0; 32];
            for _ in 0..(length / 32).min(MOST_BLOBS) {
                stream.read_exact(&mut digest)?;
                blobs.insert(Sha256::from_bytes(digest));
            }
            directory.need(blobs);
            stream.write_all(&[1])
        }
    }
}

//! A directory of this machine, against `cp` and `sha256sum`.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::Command;

use netboot_benches::{
    Case, Contender, Goal, ImageFiles, ImageSizes, Place, Row, Run, contest, is_test, publish, run,
};
use tempfile::TempDir;

/// The work of people without a publisher: copy all files, hash them, and sync the disk.
const COPY_AND_HASH: &str =
    r#"cp -r "$1/." "$2" && cd "$1" && sha256sum * > "$2/SHA256SUMS" && sync -f "$2/SHA256SUMS""#;
/// Copying all files.
const COPY: &str = r#"cp -r "$1/." "$2""#;

fn shell(script: &str, files: &ImageFiles, target: &Path) -> Run {
    fs::create_dir_all(target).unwrap();
    run(Command::new("sh").args(["-c", script, "sh"]).arg(files.directory()).arg(target))
}

/// An image that is not there, one that is, and one of which the kernel changed; then many files.
pub(crate) fn rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    let mut rows = Vec::new();
    for (name, sizes) in [("two", ImageSizes::two_files()), ("many", ImageSizes::many_files())] {
        let directory = directory.path().join(name);
        fs::create_dir(&directory).unwrap();
        rows.extend(of_image(&directory, sizes));
    }
    rows
}

fn of_image(directory: &Path, sizes: ImageSizes) -> Vec<Row> {
    let rounds = if is_test() { 1 } else { 5 };
    let files = RefCell::new(ImageFiles::new(&directory.join("image"), sizes));
    let target = |name: &str| directory.join(name);
    let mut rows = Vec::new();
    for (what, is_cold, is_changed) in
        [("cold", true, false), ("unchanged", false, false), ("one file changed", false, true)]
    {
        let prepare = |name: &str| {
            if is_cold {
                let _ = fs::remove_dir_all(target(name));
            }
            if is_changed {
                files.borrow_mut().change();
            }
        };
        let contenders = vec![
            Contender::new("netboot", |_| {
                prepare("netboot");
                let place = Place::Local { directory: target("netboot") };
                // The whole process, with hashing, as the peers' are.
                publish(&place, files.borrow().directory()).run
            }),
            Contender::new("cp, sha256sum and sync", |_| {
                prepare("hashed");
                shell(COPY_AND_HASH, &files.borrow(), &target("hashed"))
            })
            .goal(Goal::Ratio(1.0)),
            Contender::new("cp alone", |_| {
                prepare("copied");
                shell(COPY, &files.borrow(), &target("copied"))
            }),
        ];
        let name = format!("{what}, {} MB in {} files", sizes.megabytes(), 2 + sizes.blobs);
        rows.extend(contest(Case { place: "local", name: &name, rounds, wire: None }, contenders));
    }
    rows
}

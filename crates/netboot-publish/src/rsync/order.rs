//! The order in which `rsync` puts the files of one run into place.

use std::cmp::Ordering;

use netboot_core::ReleasePath;

use crate::store::Upload;

/// Joins batches that one run of `rsync` puts into place in their order. The others stay apart.
///
/// `rsync` sorts all files of a run, and its receiver puts one after another into place
/// (`f_name_cmp` in its flist.c).
pub(super) fn joined(batches: Vec<Vec<Upload>>) -> Vec<Vec<Upload>> {
    let mut runs: Vec<Vec<Upload>> = Vec::new();
    for batch in batches.into_iter().filter(|batch| !batch.is_empty()) {
        match runs.last_mut() {
            Some(run) if is_after(&batch, run) => run.extend(batch),
            _ => runs.push(batch),
        }
    }
    runs
}

/// Returns true if all files of a batch come after all files of a run.
fn is_after(batch: &[Upload], run: &[Upload]) -> bool {
    let last = run.iter().map(Upload::path).max_by(|one, other| compare(one, other));
    let first = batch.iter().map(Upload::path).min_by(|one, other| compare(one, other));
    last.zip(first).is_some_and(|(last, first)| compare(last, first) == Ordering::Less)
}

/// Compares two files as `rsync` does: in each directory, the files come before the directories,
/// and the name of a directory ends with a slash.
fn compare(one: &ReleasePath, other: &ReleasePath) -> Ordering {
    let key = |path: &ReleasePath| {
        let names = path.as_str().split_inclusive('/');
        names.map(|name| (name.ends_with('/'), name.to_owned())).collect::<Vec<_>>()
    };
    key(one).cmp(&key(other))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use bytes::Bytes;
    use netboot_core::{ArtifactKind, BytesArtifact, FileName};

    use super::*;

    const PATHS: [&str; 11] = [
        "blobs/0b",
        "blobs/a",
        "boot.ipxe",
        "current.ipxe",
        "releases/0a/boot.ipxe",
        "releases/0a/incomplete.json",
        "releases/0a/manifest.json",
        "releases/0a/manifest.json.minisig",
        "releases/0a/a-profile/boot.ipxe",
        "releases/0a/worker/boot.ipxe",
        "releases/0a.b/x",
    ];

    fn upload(path: &str) -> Upload {
        let name = FileName::new("object").unwrap();
        let text = BytesArtifact::new(ArtifactKind::Script, name, Bytes::new()).unwrap();
        Upload::new(ReleasePath::new(path).unwrap(), text)
    }

    fn runs(batches: &[&[&str]]) -> Vec<Vec<String>> {
        let batches =
            batches.iter().map(|batch| batch.iter().copied().map(upload).collect()).collect();
        let paths = |run: &Vec<Upload>| run.iter().map(|it| it.path().to_string()).collect();
        joined(batches).iter().map(paths).collect()
    }

    #[test]
    fn files_are_compared_as_rsync_sorts_them() {
        let directory = tempfile::tempdir().unwrap();
        let (tree, there) = (directory.path().join("tree"), directory.path().join("there"));
        for path in PATHS {
            fs::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
            fs::write(tree.join(path), path).unwrap();
        }
        let names = directory.path().join("names");
        fs::write(&names, PATHS.join("\n")).unwrap();
        let mut rsync = Command::new("rsync");
        rsync.args(["--dirs", "--out-format=%n", "--files-from"]).arg(names).arg(tree).arg(there);
        let output = String::from_utf8(rsync.output().unwrap().stdout).unwrap();
        let sent: Vec<&str> = output.lines().filter(|line| !line.ends_with('/')).collect();
        let mut sorted = PATHS.map(|path| ReleasePath::new(path).unwrap());
        sorted.sort_by(compare);
        assert_eq!(sorted.map(|path| path.to_string()), *sent);
    }

    #[test]
    fn batches_are_joined_where_the_order_stays() {
        let (blobs, record) = (["blobs/a", "blobs/0b"], ["releases/0a/incomplete.json"]);
        let scripts = ["releases/0a/worker/boot.ipxe"];
        let joined = runs(&[&blobs, &record, &[], &scripts]);
        assert_eq!(joined, [["blobs/a", "blobs/0b", record[0], scripts[0]]]);
        assert_eq!(runs(&[&scripts, &record]), [scripts, record]);
        assert_eq!(runs(&[&record, &blobs]), [record.to_vec(), blobs.to_vec()]);
        assert_eq!(runs(&[&record, &["current.ipxe"]]), [record, ["current.ipxe"]]);
        assert!(runs(&[&[], &[]]).is_empty());
    }
}

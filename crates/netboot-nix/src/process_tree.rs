//! Which process has which as its parent (proc(5)).

use std::collections::HashMap;
use std::fs;

use rustix::process::Pid;

/// All processes that have `root` as an ancestor, at this moment.
pub(crate) fn descendants(root: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for entry in entries.filter_map(Result::ok) {
        let process = entry.file_name().to_string_lossy().parse().ok().and_then(Pid::from_raw);
        // One that has ended meanwhile has no status.
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        if let (Some(process), Some(parent)) = (process, parent(&status)) {
            children.entry(parent).or_default().push(process);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(process) = next.pop() {
        let of_it = children.remove(&process).unwrap_or_default();
        next.extend(&of_it);
        found.extend(of_it);
    }
    found
}

fn parent(status: &str) -> Option<Pid> {
    let number = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    number.trim().parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn children_and_their_children_are_found() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & (sleep 61 & wait) & wait"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let root = Pid::from_child(&shell);
        let mut found = Vec::new();
        for _ in 0..100 {
            found = descendants(root);
            if found.len() == 3 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(found.len(), 3, "{found:?}");
        for process in found {
            rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
        }
        shell.wait().unwrap();
        assert_eq!(parent("Name:\tsh\nPPid:\t7\n"), Pid::from_raw(7));
    }
}

//! Machines report the stages of their boot, and boot even if nobody receives the reports.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use netboot_core::{Context, ProfileName, layout};
use netboot_ipxe::{Assignment, Fleet, MachineKey, Renderer, UnknownMachine};
use netboot_qemu::{DirectoryServer, Machine, NetworkAccess};
use netboot_testbed::PATIENCE;
use netboot_tests::{Site, SmallSite};

/// The first lines of requests.
type Lines = Arc<Mutex<Vec<String>>>;

/// Receives reports: records the first line of each request, and lets `answer` handle the
/// connection. It runs until the process ends.
fn listen(answer: impl Fn(TcpStream) + Send + 'static) -> (u16, Lines) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = Lines::default();
    let noted = lines.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            noted.lock().unwrap().push(line);
            answer(stream);
        }
    });
    (port, lines)
}

/// Boots the worker of the test flake, which reports to this port, and returns the reported stages.
async fn boot_reporting_to(port: u16, lines: &Lines) -> Vec<String> {
    let site = Site::new();
    let images = site.build("first", &["worker"]).await;
    let url = format!("http://10.0.2.2:{port}/report").parse().unwrap();
    let renderer = Renderer::builder().report_url(&url).unwrap().build().unwrap();
    let release = renderer.render_release(images).unwrap();
    fs::create_dir_all(site.published()).unwrap();
    site.publisher().publish(&release, &Context::new()).await.unwrap();
    let server = DirectoryServer::start(site.published()).await.unwrap();
    // An isolated machine reports to nobody.
    let machine = Machine::builder().network_access(NetworkAccess::Unrestricted);
    let machine = machine.timeout(PATIENCE).expect("NETBOOT-READY worker");
    let url = server.url("worker/netboot.ipxe");
    let report = machine.build().unwrap().boot(&url, &Context::new()).await.unwrap();
    report.ensure_success().unwrap();
    let lines = lines.lock().unwrap();
    assert!(lines.iter().all(|line| line.contains("&profile=worker&")), "{lines:?}");
    let stage = |line: &String| {
        let (_, rest) = line.split_once("stage=").unwrap();
        rest.split(['&', ' ']).next().unwrap().to_owned()
    };
    lines.iter().map(stage).collect()
}

#[tokio::test]
async fn reports_come_in_the_order_of_the_stages() {
    let (port, lines) = listen(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 500 Not today\r\nContent-Length: 0\r\n\r\n");
    });
    assert_eq!(boot_reporting_to(port, &lines).await, ["dhcp", "kernel", "initrd"]);
}

#[tokio::test]
async fn a_machine_boots_though_nobody_takes_its_reports() {
    // The server accepts connections and never answers.
    let kept = Mutex::new(Vec::new());
    let (port, lines) = listen(move |stream| kept.lock().unwrap().push(stream));
    assert_eq!(boot_reporting_to(port, &lines).await, ["dhcp", "kernel", "initrd"]);
}

/// The last report of a machine of a small site, whose image does not start.
async fn last_stage(address: &str, script: &str, expected: &str) -> Option<String> {
    let (port, lines) = listen(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 204 Noted\r\n\r\n");
    });
    let url = format!("http://10.0.2.2:{port}/report").parse().unwrap();
    let key = MachineKey::Mac("52:54:00:00:00:01".parse().unwrap());
    let known = Assignment::new("node-1", "worker").unwrap().with_key(key);
    let fleet = Fleet::builder(UnknownMachine::Refuse).assignment(known).build().unwrap();
    let renderer = SmallSite::renderer().report_url(&url).unwrap().fleet(fleet);
    let site = SmallSite::publish(renderer, &["worker"]).await;
    let worker = ProfileName::new("worker").unwrap();
    let initrd = layout::blob(&site.release().manifest().images()[&worker].initrds[0].sha256);
    fs::remove_file(site.published().join(initrd.as_str())).unwrap();
    let machine = SmallSite::machine(address).network_access(NetworkAccess::Unrestricted);
    site.boot(script, machine, &[expected]).await;
    let lines = lines.lock().unwrap();
    lines.iter().rev().find_map(|line| Some(line.split_once("stage=")?.1.split_once('&')?.0.into()))
}

#[tokio::test]
async fn a_machine_tells_that_it_was_refused() {
    let expected = "MAC address 52:54:00:00:00:99";
    let stage = last_stage("52:54:00:00:00:99", "boot.ipxe", expected).await;
    assert_eq!(stage.as_deref(), Some("refused"));
}

#[tokio::test]
async fn a_machine_tells_that_it_gave_up() {
    let expected = "node-1 worker does not start";
    let stage = last_stage("52:54:00:00:00:01", "boot.ipxe", expected).await;
    assert_eq!(stage.as_deref(), Some("failed"));
}

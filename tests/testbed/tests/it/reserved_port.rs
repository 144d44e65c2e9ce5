//! No two tests have one port, whichever process they are in, and nobody is given a reserved one.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};

use netboot_testbed::{ReservedPort, TestProcess};

#[test]
fn processes_that_reserve_many_ports_share_none() {
    let name = "reserved_port::processes_that_reserve_many_ports_share_none";
    let ports: Vec<ReservedPort> = (0..500).map(|_| ReservedPort::new()).collect();
    let mut numbers: BTreeSet<u16> = ports.iter().map(ReservedPort::number).collect();
    if std::env::var_os("OTHER").is_some() {
        for number in numbers {
            println!("{number} is reserved");
        }
        return;
    }
    // All ports of the first processes are still reserved.
    let said = TestProcess::new(name).env("OTHER", "1").passes();
    let others = said.lines().filter_map(|line| line.strip_suffix(" is reserved"));
    // The first line begins with the name of the test.
    numbers.extend(others.map(|line| line.rsplit(' ').next().unwrap().parse::<u16>().unwrap()));
    assert_eq!(numbers.len(), 1000);
}

#[test]
fn a_reserved_port_refuses_connections_until_its_server_listens() {
    let port = ReservedPort::new();
    for _ in 0..2 {
        let error = TcpStream::connect(port.address()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let server = TcpListener::bind(port.address()).unwrap();
        TcpStream::connect(port.address()).unwrap();
        server.accept().unwrap();
    }
}

#[test]
fn a_port_that_another_program_listens_on_is_passed_over() {
    let free = ReservedPort::new();
    let _other = TcpListener::bind(free.address()).unwrap();
    let number = free.number();
    drop(free);
    assert!((0..500).map(|_| ReservedPort::new()).all(|port| port.number() != number));
}

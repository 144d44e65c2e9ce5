//! Machines fetch their closures from servers that change, die or are of another kind.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use netboot_core::Context;
use netboot_publish::{Publisher, Retention, S3Keys, S3Store};
use netboot_qemu::{DirectoryServer, Firmware};
use netboot_testbed::{FaultProxy, HttpFault, S3Server};
use netboot_tests::{ClosureSite, is_long};
use tokio::sync::OnceCell;

#[tokio::test]
async fn a_mirror_takes_over_when_the_first_server_dies() {
    if !is_long() {
        return;
    }
    let site = ClosureSite::new().await;
    let packed = site.pack(&site.usual_system("mirrored"));
    let mirror = site.serve().await;
    let last = format!("/{}", packed.blob("medium"));
    let proxies = Arc::new(Mutex::new(Vec::<FaultProxy>::new()));
    let dying = proxies.clone();
    let first = FaultProxy::http(mirror.address(), move |request, _| {
        if request.target != last {
            return HttpFault::None;
        }
        // A rule runs in a thread of its proxy.
        let dying = dying.clone();
        thread::spawn(move || dying.lock().unwrap().clear());
        HttpFault::Cut { after: 0 }
    });
    let (port, second) = (first.address().port(), mirror.address().port());
    site.publish(&site.release(&packed, &[port, second], &[])).await;
    proxies.lock().unwrap().push(first);
    let report = ClosureSite::boot(port, ClosureSite::machine(Firmware::Bios), "mirrored").await;
    let took = report.assembled(&packed, "mirrored");
    assert!(took.retries >= 1, "{took:?}");
    assert!(proxies.lock().unwrap().is_empty());
    let last = report.status().mirrors.last().map(ToString::to_string);
    assert_eq!(last, Some(format!("http://10.0.2.2:{second}/")));
}

#[tokio::test]
async fn a_machine_in_mid_fetch_keeps_its_closure_while_others_are_published_and_pruned() {
    if !is_long() {
        return;
    }
    let site = Arc::new(ClosureSite::new().await);
    let systems = ["old", "current", "new"].map(|name| site.pack(&site.usual_system(name)));
    let [old, current, new] = systems.clone();
    std::fs::create_dir_all(site.published()).unwrap();
    let trigger = format!("/{}", current.blob("medium"));
    let (pruned, hooked, shared) = (Arc::new(OnceCell::new()), site.clone(), systems.clone());
    let told = pruned.clone();
    let port = Arc::new(OnceCell::<u16>::new());
    let known_port = port.clone();
    let server = DirectoryServer::builder(site.published())
        .on_request(move |path| {
            let is_trigger = path == trigger;
            let (site, new, told) = (hooked.clone(), shared[2].clone(), told.clone());
            let port = known_port.clone();
            async move {
                if !is_trigger {
                    return;
                }
                let publish_and_prune = async || {
                    let port = *port.get().unwrap();
                    site.publish(&site.release(&new, &[port], &[])).await;
                    let retention =
                        Retention::default().with_keep_last(2).with_grace(Duration::ZERO);
                    site.publisher().prune(&retention, &Context::new()).await.unwrap()
                };
                told.get_or_init(publish_and_prune).await;
            }
        })
        .start()
        .await
        .unwrap();
    port.set(server.address().port()).unwrap();
    let port = server.address().port();
    for packed in [&old, &current] {
        site.publish(&site.release(packed, &[port], &[])).await;
    }
    let boot = async |generation| {
        ClosureSite::boot(port, ClosureSite::machine(Firmware::Bios), generation).await
    };
    let took = boot("current").await.assembled(&current, "current");
    assert_eq!(took.retries, 0, "{took:?}");
    assert!(pruned.initialized());
    assert!(!site.published().join(old.blob("changing")).exists());
    boot("new").await.assembled(&new, "new");
}

#[tokio::test]
async fn a_machine_assembles_its_system_from_s3() {
    if !is_long() {
        return;
    }
    let site = ClosureSite::new().await;
    let packed = site.pack(&site.usual_system("s3"));
    let server = S3Server::ministack(&site.store().work());
    server.create_bucket("boot");
    let store = S3Store::builder("boot")
        .endpoint(server.endpoint())
        .allow_http(true)
        .credentials(S3Keys::new(server.access_key(), server.secret_key()))
        .build()
        .await
        .unwrap();
    let target = format!("http://10.0.2.2:{}/boot/", server.address().port());
    let release = site.release_from(&packed, [target], &[]);
    Publisher::new(store).publish(&release, &Context::new()).await.unwrap();
    let target = format!("{}/boot/", server.endpoint());
    let machine = ClosureSite::machine(Firmware::Bios);
    let report = ClosureSite::boot_from(&target, machine, "s3").await;
    assert_eq!(report.assembled(&packed, "s3").from_network, packed.fetched_bytes());
}

//! The initrd of a system that fetches another one, and starts it with `kexec`.

use netboot_testbed::DebianTree;

use crate::initrd_files::InitrdFiles;

/// Returns an uncompressed initrd whose system prints `FIRST-READY` and its version of Linux,
/// fetches these files from the server at this URL, and runs the script `kexec-boot` among them.
pub fn kexec_initrd(url: &str, files: &[&str]) -> Vec<u8> {
    let init = format!(
        "#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod \"/modules/$module.ko\"; done < /modules/load-order
ip link set lo up
# It asks until it gets an answer, which a busy machine gives late.
udhcpc -f -q -i eth0 -s /bin/configure-card > /dev/null 2>&1
echo \"FIRST-READY $(uname -r)\"
mkdir '/a tree'
cd '/a tree'
for name in {}; do
  wget -q -O \"$name\" \"{url}$name\" || poweroff -f
done
chmod +x kexec-boot
cd /
'/a tree/kexec-boot' || poweroff -f
echo FIRST-ENDS
# Process 1 must live until the next kernel starts.
sleep 600
",
        files.join(" ")
    );
    let mut initrd = InitrdFiles::new(init);
    initrd.add_program("sbin/kexec", &DebianTree::KEXEC_TOOLS.program("kexec"));
    initrd.archive()
}

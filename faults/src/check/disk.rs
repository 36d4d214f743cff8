//! The disk fails: syncs that report errors, no room.

use super::Fault;
use crate::lab::Lab;
use crate::load::{Load, Shape, settle};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault { id: "F04", name: "fdatasync reports an error", run: |lab| Box::pin(failing_sync(lab)) },
    Fault { id: "F05", name: "a disk is full", run: |lab| Box::pin(full_disk(lab)) },
];

/// fdatasync and fsync of the write-ahead log's files fail as a control file says: `0` never, `1` always, `20` one in 20.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int fails(int fd) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (!strstr(path, "/data/wal/")) return 0;
    const char *control = getenv("FAULTS_CONTROL");
    FILE *file = control ? fopen(control, "r") : NULL;
    int one_in = 0;
    if (file) { if (fscanf(file, "%d", &one_in) != 1) one_in = 0; fclose(file); }
    return one_in > 0 && rand() % one_in == 0;
}
int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    if (fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}
int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    if (fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}
"#;

async fn failing_sync(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(3, 50);
    let tools = tempfile::tempdir()?;
    let shim = crate::shim::build(tools.path(), "failing", SHIM)?.display().to_string();
    let control = tools.path().join("control");
    std::fs::write(&control, "0")?;
    let environment = [("LD_PRELOAD", shim), ("FAULTS_CONTROL", control.display().to_string())];
    let stack = lab.stack_with(&[], &environment).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        load.goes_on(10, Duration::from_secs(60)).await?;
        // One of 20 for a while: groups move to new segments, and the load goes on.
        std::fs::write(&control, "20")?;
        load.goes_on(20, Duration::from_secs(60)).await?;
        // All of them: nothing can be acknowledged, and everybody is told at once.
        std::fs::write(&control, "1")?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (before, outage) = (load.acknowledged(), lab.rounds(3, 30));
        tokio::time::sleep(Duration::from_secs(outage)).await;
        ensure!(load.acknowledged() == before, "acknowledged without a sync in round {round}");
        std::fs::write(&control, "0")?;
        slowest = slowest.max(load.goes_on(1, Duration::from_secs(10)).await?);
        ensure!(stack.server.is_running()?, "the server ended");
    }
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    ensure!(sent.repeats > 0, "no sync failed: the shim is not in place");
    Ok(format!(
        "{rounds} rounds of one failed sync in 20, then all failing: nothing was acknowledged meanwhile, 503 with Retry-After; {settled}; acknowledging again {:.1} s after the end; the process stays",
        slowest.as_secs_f64()
    ))
}

/// A small file system in memory, for as long as this lives.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a Path, mebibytes: u64) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(folder)
            .status()?;
        ensure!(mounted.success(), "this check mounts a small file system: run it as root");
        Ok(Self(folder))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0).status().ok();
    }
}

async fn full_disk(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(3, 20);
    let log = full_log(lab, rounds).await.context("the disk of the log")?;
    let metadata = other_full_disk(lab, "data", 64, rounds).await.context("the disk of the metadata")?;
    let engine = other_full_disk(lab, "engine", 384, rounds).await.context("the disk of the engine")?;
    Ok(format!(
        "each of three disks filled up by another file, {rounds} times. The log's: 503 with Retry-After before its reserve is used, {log}. The metadata's: {metadata}. The engine's: {engine}"
    ))
}

/// Takes all the room there is.
fn fill_up(filler: &Path, mebibytes: u64) -> Result<()> {
    let script = format!("head -c {mebibytes}M /dev/zero > {} 2>/dev/null", filler.display());
    Command::new("sh").arg("-c").arg(script).status().context("the disk cannot be filled")?;
    Ok(())
}

async fn full_log(lab: &Lab, rounds: u64) -> Result<String> {
    let folder = tempfile::Builder::new().prefix("cordwood-faults-").tempdir()?;
    let wal = folder.path().join("data/wal");
    let _disk = SmallDisk::mount(&wal, 96)?;
    let settings = ["--wal-segment-bytes=4194304", "--wal-reserve-bytes=16777216"];
    let stack = lab.stack_in(folder, &settings, &[]).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    let (filler, mut slowest) = (wal.join("somebody-elses-file"), Duration::ZERO);
    for _ in 0..rounds {
        load.goes_on(10, Duration::from_secs(60)).await?;
        // All but a little more than the smallest allocation: the reserve is gone.
        fill_up(&filler, 92)?;
        let begun = Instant::now();
        loop {
            let before = load.acknowledged();
            tokio::time::sleep(Duration::from_millis(1500)).await;
            if load.acknowledged() == before {
                break;
            }
            ensure!(begun.elapsed() < Duration::from_secs(30), "it is acknowledged on a full disk");
        }
        ensure!(stack.server.is_running()?, "the server ended");
        std::fs::remove_file(&filler)?;
        slowest = slowest.max(load.goes_on(1, Duration::from_secs(10)).await?);
    }
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    ensure!(sent.repeats > 0, "nothing was refused");
    Ok(format!("{settled}, acknowledging again {:.1} s after there was room", slowest.as_secs_f64()))
}

/// A disk that is not the log's: events are taken all the same, searches answer, and everything is stored once there is room.
async fn other_full_disk(lab: &Lab, which: &str, mebibytes: u64, rounds: u64) -> Result<String> {
    let folder = tempfile::Builder::new().prefix("cordwood-faults-").tempdir()?;
    let (disk, wal) = (folder.path().join(which), folder.path().join("data/wal"));
    let _disk = SmallDisk::mount(&disk, mebibytes)?;
    let _wal = SmallDisk::mount(&wal, 512)?;
    let stack = lab.stack_in(folder, &["--wal-segment-bytes=4194304"], &[]).await?;
    let load = Load::start(&stack, &stack.server.url, Shape::default()).await?;
    let reader = stack.server.organization("reader").await?;
    let filler = disk.join("somebody-elses-file");
    let mut during = 0;
    for _ in 0..rounds {
        load.goes_on(10, Duration::from_secs(60)).await?;
        stack.server.get("/api/v1/logs/search?q=&from=now-1h&limit=1", &reader.key).await?;
        fill_up(&filler, mebibytes)?;
        let before = load.acknowledged();
        tokio::time::sleep(Duration::from_secs(3)).await;
        during += load.acknowledged() - before;
        let search = stack.server.get("/api/v1/logs/search?q=&from=now-1h&limit=1", &reader.key).await;
        search.context("a search while the disk is full")?;
        ensure!(stack.server.is_running()?, "the server ended");
        std::fs::remove_file(&filler)?;
    }
    let back = Instant::now();
    let sent = load.stop().await?;
    let settled = settle(&stack, &sent).await?;
    ensure!(during > 0 && sent.repeats == 0, "{} batches were refused", sent.repeats);
    Ok(format!(
        "{during} batches taken meanwhile and none refused, searches answered, {settled}, everything delivered {:.0} s after there was room",
        back.elapsed().as_secs_f64()
    ))
}

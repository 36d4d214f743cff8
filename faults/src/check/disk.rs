//! The disk fails: syncs that report errors, no room, damage found at the start.

use super::Fault;
use crate::lab::Lab;
use crate::load::{Load, Shape, settle};
use anyhow::{Context, Result, anyhow, ensure};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault {
        id: "F02",
        name: "crash at every operation of the write-ahead log",
        run: |lab| Box::pin(crash_points(lab)),
    },
    Fault {
        id: "F03",
        name: "power cut: what was not synced is gone, or old, new or garbage sector by sector",
        run: |lab| Box::pin(power_cut(lab)),
    },
    Fault { id: "F04", name: "fdatasync reports an error", run: |lab| Box::pin(failing_sync(lab)) },
    Fault { id: "F05", name: "the disk of the write-ahead log is full", run: |lab| Box::pin(full_disk(lab)) },
    Fault { id: "F07", name: "damaged segments", run: |lab| Box::pin(damage(lab)) },
];

/// Sees to it that tests of the write-ahead log on its model of a file system pass. They run once for all checks.
fn model(seeds: u64, tests: &[&str]) -> Result<()> {
    static OUTPUT: OnceLock<Result<String, String>> = OnceLock::new();
    let ran = OUTPUT.get_or_init(|| run_model(seeds).map_err(|error| format!("{error:#}")));
    let output = ran.as_ref().map_err(|error| anyhow!(error.clone()))?;
    for test in tests {
        let passed = output.lines().any(|line| line.starts_with(&format!("test {test} ... ok")));
        ensure!(passed, "the test {test} did not pass, or is gone");
    }
    Ok(())
}

fn run_model(seeds: u64) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let ran = Command::new(cargo)
        .args(["test", "--package=wal", "--test=crashes", "--test=damage"])
        .env("WAL_SEEDS", seeds.to_string())
        .output()?;
    let output = String::from_utf8_lossy(&ran.stdout).into_owned();
    ensure!(ran.status.success(), "{output}");
    Ok(output)
}

async fn crash_points(lab: &Lab) -> Result<String> {
    let seeds = lab.rounds(60, 500);
    let tests = [
        "a_crash_at_any_operation_loses_nothing_that_was_acknowledged",
        "segments_go_only_after_the_checkpoint_is_on_disk",
    ];
    model(seeds, &tests)?;
    Ok(format!(
        "in a model of the file system, {seeds} runs with a crash before each single write, sync, rename and unlink in turn: 0 acknowledged records lost. Points in the server outside of the log are met by chance only, by F01"
    ))
}

async fn power_cut(lab: &Lab) -> Result<String> {
    let seeds = lab.rounds(60, 500);
    let tests = [
        "a_crash_at_any_operation_loses_nothing_that_was_acknowledged",
        "a_failing_disk_and_then_a_crash_lose_nothing_that_was_acknowledged",
    ];
    model(seeds, &tests)?;
    Ok(format!(
        "in the same model, {seeds} runs: 0 acknowledged records lost. Not tried with the metadata database and the engine"
    ))
}

async fn damage(lab: &Lab) -> Result<String> {
    let tests = [
        "every_flipped_bit_is_found_and_costs_no_other_record",
        "a_last_segment_cut_at_any_byte_gives_every_record_before_the_cut",
        "whatever_is_damaged_the_rest_comes_out_and_the_loss_is_counted",
        "renamed_segments_are_put_back_in_order",
    ];
    model(lab.rounds(60, 500), &tests)?;
    Ok(
        "in the same model, a bit flipped in every byte of a log, the last segment cut at every byte, and up to 2,000 logs with random mixtures of flips, zeros, cuts, swaps and deletions: all found, every intact record delivered, the reported loss is the true one"
            .to_owned(),
    )
}

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

fn build_shim(folder: &Path) -> Result<String> {
    let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
    std::fs::write(&source, SHIM)?;
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").status();
    ensure!(built.context("this check needs a C compiler (cc)")?.success(), "the shim does not build");
    Ok(library.display().to_string())
}

async fn failing_sync(lab: &Lab) -> Result<String> {
    let rounds = lab.rounds(3, 50);
    let tools = tempfile::tempdir()?;
    let (shim, control) = (build_shim(tools.path())?, tools.path().join("control"));
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
        let filled = Command::new("sh")
            .arg("-c")
            .arg(format!("head -c 92M /dev/zero > {} 2>/dev/null", filler.display()))
            .status();
        filled.context("the disk cannot be filled")?;
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
    Ok(format!(
        "{rounds} times filled up by another file: 503 with Retry-After before the log's reserve is used; {settled}; acknowledging again {:.1} s after there was room. Not tried with full disks of the metadata and the engine",
        slowest.as_secs_f64()
    ))
}

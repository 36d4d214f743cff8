//! The clock of a machine jumps: forth, back, by years, to and fro.

use super::{SETTINGS, Watch, events_of, until};
use crate::check::Fault;
use crate::lab::{Lab, Server};
use crate::receiver::Receiver;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub const FAULTS: &[Fault] = &[Fault { id: "F22", name: "the clock jumps", run: |lab| Box::pin(jumps(lab)) }];

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEARS: i64 = 3_653 * DAY;
const FIRM: u64 = 20;

/// CLOCK_REALTIME is off by so many seconds as a control file says. The file is mapped: to read a clock must stay cheap.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile int64_t none = 0, *offset = &none;
__attribute__((constructor)) static void map(void) {
    const char *path = getenv("FAULTS_CLOCK");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0) return;
    void *page = mmap(0, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) offset = page;
    close(file);
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += *offset;
    return result;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    (void)zone;
    return 0;
}
time_t time(time_t *at) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (at) *at = precise.tv_sec;
    return precise.tv_sec;
}
"#;

/// A clock that can be set for the programs that are started with `environment`.
struct Clock {
    file: PathBuf,
    environment: [(&'static str, String); 2],
}

impl Clock {
    fn build(folder: &Path) -> Result<Self> {
        let (source, library, file) =
            (folder.join("clock.c"), folder.join("clock.so"), folder.join("offset"));
        std::fs::write(&source, SHIM)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let built = compiler.status().context("this check needs a C compiler (cc)")?;
        ensure!(built.success(), "the shim does not build");
        let environment =
            [("LD_PRELOAD", library.display().to_string()), ("FAULTS_CLOCK", file.display().to_string())];
        let clock = Self { file, environment };
        clock.is_off_by(0)?;
        Ok(clock)
    }

    fn is_off_by(&self, seconds: i64) -> Result<()> {
        use std::io::Write;
        // written over, not anew: the mapping is of this very file
        let mut file = std::fs::File::options().create(true).write(true).truncate(false).open(&self.file)?;
        file.write_all(&seconds.to_ne_bytes())?;
        Ok(())
    }
}

/// Where the clock stands, one after the other, in seconds from the truth.
fn offsets(lab: &Lab) -> Vec<i64> {
    let mut offsets = vec![HOUR, 0, -HOUR, 0, DAY, 0, -DAY, 0, YEARS, 0];
    let mut seed = 88_172_645_463_325_252_u64;
    for _ in 0..lab.rounds(4, 50) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        offsets.push((seed % 61) as i64 - 30);
    }
    offsets.push(0);
    offsets
}

async fn jumps(lab: &Lab) -> Result<String> {
    let tools = tempfile::tempdir()?;
    let clock = Clock::build(tools.path())?;
    let receiver = Receiver::start().await;
    let alone = lab.stack_with(&SETTINGS, &clock.environment).await?;
    let one = one_machine(lab, &alone.server, &clock, &receiver).await?;
    drop(alone);

    let of_two = two_nodes(lab, &clock, false).await?;
    let both = two_nodes(lab, &clock, true).await?;
    Ok(format!(
        "a server on SQLite: {one}. One of two nodes on Postgres: {of_two}. Both of two nodes on Postgres: {both}"
    ))
}

/// Two nodes on one database whose own clock is right: of one of them or of both the clock jumps.
async fn two_nodes(lab: &Lab, clock: &Clock, is_of_both: bool) -> Result<String> {
    clock.is_off_by(0)?;
    let (receiver, database) = (Receiver::start().await, lab.database().await?);
    let ways = [database.way("one").await?, database.way("two").await?];
    let [first, second] = ways.each_ref().map(|way| format!("--database-url={}", way.url));
    let settings = |name: &'static str, url: &str| {
        let own = [name.to_owned(), url.to_owned()];
        own.into_iter().chain(SETTINGS.map(str::to_owned)).collect::<Vec<String>>()
    };
    let (first, second) = (settings("--node-name=one", &first), settings("--node-name=two", &second));
    let texts: Vec<&str> = first.iter().map(String::as_str).collect();
    let stack = lab.stack_with(&texts, &clock.environment).await?;
    let folder = tempfile::tempdir()?;
    let texts: Vec<&str> = second.iter().map(String::as_str).collect();
    let environment = if is_of_both { clock.environment.as_slice() } else { &[] };
    let other = lab.server(folder.path(), stack.proxy.address, &texts, environment).await?;
    let reached = one_machine(lab, &stack.server, clock, &receiver).await;
    drop(other);
    reached
}

/// Rules that fire all the time are told once, whatever the clock does; each new rule is told once, wherever the clock stands.
async fn one_machine(lab: &Lab, server: &Server, clock: &Clock, receiver: &Receiver) -> Result<String> {
    let watch = Watch::by_webhook(server, receiver).await?;
    let always = json!({"op": "<", "threshold": 1});
    for number in 0..FIRM {
        watch.rule(server, &format!("firm {number}"), &format!("never{number}"), always.clone()).await?;
    }
    let told_once = |name: String| {
        let receiver = receiver.clone();
        async move || anyhow::Ok(!events_of(&receiver, &name).is_empty())
    };
    for number in 0..FIRM {
        until("a rule is told", Duration::from_secs(60), told_once(format!("firm {number}"))).await?;
    }
    let offsets = offsets(lab);
    let (mut slowest, mut most, mut closed) = (Duration::ZERO, 0.0_f64, 0);
    for (number, offset) in offsets.iter().enumerate() {
        let before = evaluations(server).await?;
        clock.is_off_by(*offset)?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        // within half an interval each rule is looked at twice at most: once because it is time, once to catch up
        most = most.max((evaluations(server).await? - before) / (FIRM as f64 + number as f64));
        let name = format!("after jump {number}");
        let made = watch.rule(server, &name, &format!("nothing{number}"), always.clone()).await;
        made.with_context(|| format!("with the clock off by {offset} s"))?;
        let limit = Duration::from_secs(60);
        slowest = slowest
            .max(until(&format!("{name} ({offset} s) is told"), limit, told_once(name.clone())).await?);
        if *offset >= HOUR {
            let session = server.get("/api/v1/alert-rules", &watch.organization.token).await;
            ensure!(session.is_err(), "a session of ten minutes is good after {offset} s");
            closed += 1;
        }
    }
    // what would be told a second time is told within an interval
    tokio::time::sleep(Duration::from_secs(15)).await;
    let names = (0..FIRM).map(|number| format!("firm {number}"));
    for name in names.chain((0..offsets.len()).map(|number| format!("after jump {number}"))) {
        let events = events_of(receiver, &name);
        ensure!(events == ["fired"], "{name} was told {events:?}");
    }
    ensure!(most <= 2.5, "a rule was evaluated {most:.1} times after a jump");
    Ok(format!(
        "{} jumps (an hour, a day, ten years, forth and back, and steps of up to 30 s): {} rules told once each, none lost, none double, a new rule within {:.0} s at most wherever the clock stood; {most:.1} evaluations of a rule in the 5 s after a jump at most; sessions refused {closed} times while they seemed too old",
        offsets.len(),
        FIRM as usize + offsets.len(),
        slowest.as_secs_f64()
    ))
}

async fn evaluations(server: &Server) -> Result<f64> {
    server.metric("cordwood_alert_evaluations_total").await
}

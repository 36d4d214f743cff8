//! CPU time and peak memory of a process, from /proc.

/// Clock ticks per second of /proc/*/stat on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug, Clone, Copy, Default)]
pub struct Use {
    pub cpu_s: f64,
    pub peak_memory_bytes: u64,
}

/// CPU so far and peak memory of one process; `None` when it has gone.
pub fn usage(pid: u32) -> Option<Use> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = after_name.get(11)?.parse::<f64>().ok()? + after_name.get(12)?.parse::<f64>().ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak_kb = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .split_whitespace()
        .next()?
        .parse::<u64>()
        .ok()?;
    Some(Use { cpu_s: ticks / TICKS_PER_SECOND, peak_memory_bytes: peak_kb * 1024 })
}

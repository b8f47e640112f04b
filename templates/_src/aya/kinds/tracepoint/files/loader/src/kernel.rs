// SPDX-License-Identifier: BSD-2-Clause

//! Where the running kernel has the fields of its own structs.
//!
//! BPF code in C leaves this to its loader (CO-RE, compile once, run everywhere). rustc
//! does not write down which fields are read, so the program looks them up itself, in the
//! same place: the kernel's BTF. Its format is in the kernel's documentation, bpf/btf.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};

/// The kernel's types.
pub struct Types {
    data: Vec<u8>,
    strings: usize,    // where names begin
    types: Vec<usize>, // where each type is, by its number
}

const STRUCT: u32 = 4;
const UNION: u32 = 5;

impl Types {
    /// Reads the types of the running kernel.
    pub fn running() -> Result<Self> {
        let path = Path::new("/sys/kernel/btf/vmlinux");
        let data = fs::read(path)
            .with_context(|| format!("{}: needs a kernel with BTF", path.display()))?;
        Self::parse(data).with_context(|| path.display().to_string())
    }

    fn parse(data: Vec<u8>) -> Result<Self> {
        const HEADER: usize = 24;
        ensure!(data.starts_with(&0xeb9f_u16.to_ne_bytes()), "not BTF");
        let mut this = Self {
            data,
            strings: 0,
            types: vec![0], // number 0 is void
        };
        let header = this.number(4)? as usize;
        ensure!(header >= HEADER, "BTF header of {header} bytes");
        let mut pos = header + this.number(8)? as usize;
        let end = pos + this.number(12)? as usize;
        this.strings = header + this.number(16)? as usize;
        while pos < end {
            this.types.push(pos);
            let len = this.number(pos + 4)? as usize & 0xffff;
            pos += 12;
            pos += match this.kind(this.types.len() - 1)? {
                1 | 14 | 17 => 4,                     // INT, VAR, DECL_TAG
                3 => 12,                              // ARRAY
                STRUCT | UNION | 15 | 19 => 12 * len, // and DATASEC, ENUM64
                6 | 13 => 8 * len,                    // ENUM, FUNC_PROTO
                2 | 7..=12 | 16 | 18 => 0,
                kind => anyhow::bail!("BTF kind {kind}"),
            };
        }
        Ok(this)
    }

    /// Returns where a struct has a field, in bytes.
    pub fn offset(&self, name: &str, field: &str) -> Result<u32> {
        for id in 1..self.types.len() {
            if self.kind(id)? == STRUCT
                && self.name(self.types[id])? == name.as_bytes()
                && let Some(bits) = self.field(id, field)?
            {
                return Ok(bits / 8);
            }
        }
        anyhow::bail!("this kernel has no field {field} in struct {name}")
    }

    /// Finds a field in a struct and in the nameless structs and unions inside it.
    fn field(&self, id: usize, field: &str) -> Result<Option<u32>> {
        let start = *self.types.get(id).context("no such type")?;
        let info = self.number(start + 4)?;
        for i in 0..info as usize & 0xffff {
            let member = start + 12 + 12 * i;
            let mut bits = self.number(member + 8)?;
            if info >> 31 == 1 {
                bits &= 0xff_ffff; // above are the bits of a bit field
            }
            if self.name(member)? == field.as_bytes() {
                return Ok(Some(bits));
            }
            let inner = self.number(member + 4)? as usize;
            if self.number(member)? == 0
                && matches!(self.kind(inner)?, STRUCT | UNION)
                && let Some(more) = self.field(inner, field)?
            {
                return Ok(Some(bits + more));
            }
        }
        Ok(None)
    }

    fn kind(&self, id: usize) -> Result<u32> {
        let start = *self.types.get(id).context("no such type")?;
        Ok(self.number(start + 4)? >> 24 & 0x1f)
    }

    /// Returns the name of the type or member at a position, which begins with it.
    fn name(&self, pos: usize) -> Result<&[u8]> {
        let start = self.strings + self.number(pos)? as usize;
        let name = self.data.get(start..).context("a name is cut short")?;
        Ok(name.split(|b| *b == 0).next().unwrap_or_default())
    }

    fn number(&self, pos: usize) -> Result<u32> {
        let bytes = self.data.get(pos..).and_then(|rest| rest.first_chunk());
        Ok(u32::from_ne_bytes(*bytes.context("BTF is cut short")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_running_kernel() {
        let types = Types::running().unwrap();
        assert_eq!(types.offset("list_head", "next").unwrap(), 0);
        assert_eq!(types.offset("list_head", "prev").unwrap(), size_of::<usize>() as u32);
        let (start, end) = ("arg_start", "arg_end");
        assert!(
            types.offset("mm_struct", start).unwrap() < types.offset("mm_struct", end).unwrap()
        );
    }

    #[test]
    fn says_what_is_missing() {
        let types = Types::running().unwrap();
        for (name, field) in [("task_struct", "no_such"), ("no_such", "pid")] {
            let err = types.offset(name, field).unwrap_err().to_string();
            assert!(err.contains(name) && err.contains(field), "{err}");
        }
    }

    #[test]
    fn refuses_what_is_no_btf() {
        let mut whole = fs::read("/sys/kernel/btf/vmlinux").unwrap();
        whole.truncate(100_000);
        for data in [vec![], b"\x7fELF".to_vec(), whole] {
            assert!(Types::parse(data).is_err());
        }
    }
}

package debian

// Suite is a suite of one of the archives, by its code name: "stable" is another
// one after each release.
type Suite struct{ Archive, Name string }

// suites returns where kernels of a series are, where they are newest first. A
// series that this does not know is looked for in all of them: Debian's backports
// take in each new one, and keep some older ones.
func suites(series string) []Suite {
	var (
		bullseye          = Suite{archiveMain, "bullseye"}
		bullseyeSecurity  = Suite{archiveSecurity, "bullseye-security"}
		bookworm          = Suite{archiveMain, "bookworm"}
		bookwormSecurity  = Suite{archiveSecurity, "bookworm-security"}
		bookwormBackports = Suite{archiveMain, "bookworm-backports"}
		trixie            = Suite{archiveMain, "trixie"}
		trixieSecurity    = Suite{archiveSecurity, "trixie-security"}
		trixieBackports   = Suite{archiveMain, "trixie-backports"}
		sid               = Suite{archiveMain, "sid"}
	)
	switch series {
	case "5.10":
		return []Suite{bullseyeSecurity, bullseye}
	case "6.1":
		return []Suite{bookwormSecurity, bookworm, bullseyeSecurity}
	case "6.12":
		return []Suite{trixieSecurity, trixie, bookwormSecurity, bookwormBackports}
	case "6.16", "6.17", "6.18", "6.19", "7.0", "7.1":
		return []Suite{trixieBackports}
	default:
		return []Suite{trixieBackports, sid, trixieSecurity, bookwormBackports, bookwormSecurity, bullseyeSecurity}
	}
}

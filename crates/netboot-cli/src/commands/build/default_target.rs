//! The target of a build without `--to`: the place where `build-images.sh` put its images.

use std::path::{Path, PathBuf};

/// The directory of `build-images.sh` in PlasmaCloud's repository.
const IMAGE_BUILDER: &str = "baremetal/image-builder";

/// The directory that PlasmaCloud's PXE server serves.
const PXE_ASSETS: &str = "chainfire/baremetal/pxe-server/assets/nixos";

/// The assets of the PXE server, if `directory` is the root of PlasmaCloud's repository or the
/// directory of the old script. Looks nowhere else, and not in the directories above.
pub(super) fn pxe_assets(directory: &Path) -> Option<PathBuf> {
    let directory = directory.canonicalize().ok()?;
    let root = if directory.ends_with(IMAGE_BUILDER) {
        directory.ancestors().nth(Path::new(IMAGE_BUILDER).components().count())?
    } else {
        &directory
    };
    let assets = root.join(PXE_ASSETS);
    assets.is_dir().then_some(assets)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn only_the_places_of_the_old_script_lead_to_the_assets() {
        let root = TempDir::new().unwrap();
        let root = root.path().canonicalize().unwrap();
        let inside = |path: &str| root.join(path);
        for directory in [IMAGE_BUILDER, "baremetal/image-builder/artifacts", "nix"] {
            fs::create_dir_all(inside(directory)).unwrap();
        }
        assert_eq!(pxe_assets(&root), None);
        fs::create_dir_all(inside(PXE_ASSETS)).unwrap();
        assert_eq!(pxe_assets(&root), Some(inside(PXE_ASSETS)));
        assert_eq!(pxe_assets(&inside(IMAGE_BUILDER)), Some(inside(PXE_ASSETS)));
        for other in ["nix", "baremetal", "chainfire", "baremetal/image-builder/artifacts"] {
            assert_eq!(pxe_assets(&inside(other)), None, "{other}");
        }
    }
}

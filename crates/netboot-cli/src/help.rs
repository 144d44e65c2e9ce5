//! The part of the long help that concerns all commands.

/// Follows the list of commands in `netboot help`.
pub(crate) const AFTER: &str = "\
Targets:
  A TARGET is one word for a place that releases are published to:
    DIR                      a directory of this machine, with a slash: ./pxe
    s3://BUCKET/PREFIX       a bucket; ?endpoint=URL&region=NAME name its server
    oci://HOST/REPOSITORY    a repository of an OCI registry, with the login of
                             podman or docker
    USER@HOST:/PATH          a directory of another machine, with rsync over ssh;
                             USER@HOST:PATH starts at the home directory
    rsync://HOST/MODULE/PATH a directory of an rsync daemon
    NAME                     a target that netboot.toml names

With --json:
  Each command describes its object in its help. Three objects are the same for
  all commands:
    a failure  {\"error\": {\"message\": ..., \"causes\": [...], \"hint\": ...}}; the
               hint may be null, and some commands add it to their own object
    --help     {\"help\": ...}
    --version  {\"version\": ...}

Exit codes:
  0    the work is done
  1    the work failed
  2    the command line or netboot.toml is wrong
  3    a check found something: verify found damage, lint an error, size an
       image over its budget, or boot a machine that did not come up
  130  the program was interrupted with Ctrl-C (SIGINT)
  143  the program was terminated (SIGTERM)
  129  the terminal was closed (SIGHUP)

Environment variables:
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and others of AWS
                     the credentials of a bucket
  AWS_ENDPOINT_URL, AWS_REGION
                     the server of a bucket, if the TARGET does not name it
  RSYNC_PASSWORD     the password for an rsync daemon
  NIX_CONFIG and others of Nix
                     reach Nix as they stand
  PATH               where nix, rsync, ssh and QEMU are looked for
  TMPDIR             where temporary files are written
  NO_COLOR           help and messages have no colours
  TERM               with TERM=dumb, progress is shown as lines
";

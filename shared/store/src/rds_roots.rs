//! The RDS certificate authorities: instances use certificates of their region's roots, which are not public.
//!
//! The proxy needs none of them: its certificate is public
//! (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html>,
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html>).

/// Suffix of every instance's host name, after its region.
const SUFFIX: &str = ".rds.amazonaws.com";

/// The PEM roots of the region in the host name; `None`: not RDS, or a region that `infra/certs/rds` does not have.
pub(crate) fn roots(host: &str) -> Option<&'static str> {
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let (_, region) = host.strip_suffix(SUFFIX)?.rsplit_once('.')?;
    let (_, pem) = REGIONS.iter().find(|(known, _)| *known == region)?;
    Some(pem)
}

macro_rules! regions {
    ($($region:literal,)+) => {
        &[$(($region, include_str!(concat!("../../../infra/certs/rds/", $region, ".pem")))),+]
    };
}

const REGIONS: &[(&str, &str)] = regions![
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ca-central-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rustls::RootCertStore;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn rds_host_is_trusted_by_regional_roots_only() {
        for host in [
            "countersign.abc123.eu-central-1.rds.amazonaws.com",
            "Countersign.ABC123.EU-Central-1.RDS.amazonaws.com.",
            "countersign.proxy-abc123.eu-central-1.rds.amazonaws.com",
        ] {
            assert!(
                roots(host).unwrap().contains("Amazon RDS eu-central-1 Root CA"),
                "{host}"
            );
        }
        for host in [
            "db.example.com",
            "eu-central-1.rds.amazonaws.com",
            "rds.amazonaws.com",
            "countersign.abc123.eu-central-1.rds.amazonaws.com.example.com",
            "countersign.abc123.eu-central-1xrds.amazonaws.com",
            "countersign.abc123.atlantis-1.rds.amazonaws.com",
            "",
        ] {
            assert_eq!(roots(host), None, "{host}");
        }
    }

    #[test]
    fn every_region_has_three_usable_root_certificates() {
        for (region, pem) in REGIONS {
            let kinds: BTreeSet<_> = pem.lines().filter_map(|line| line.strip_prefix("# ")).collect();
            for kind in ["RSA2048", "RSA4096", "ECC384"] {
                let name = format!("Amazon RDS {region} Root CA {kind} G1, until 2");
                assert!(kinds.iter().any(|kind| kind.starts_with(&name)), "{region}: {kind}");
            }
            let mut store = RootCertStore::empty();
            for authority in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                store.add(authority.unwrap()).unwrap();
            }
            assert_eq!(store.len(), 3, "{region}");
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/certs/rds");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let known = REGIONS.iter().map(|(region, _)| format!("{region}.pem")).collect();
        assert_eq!(files, known);
    }
}

//! As much DER as it takes to see that a certificate is self-issued.

/// Names the certificate itself as its issuer? False for what is not a certificate.
pub(super) fn is_self_issued(certificate: &[u8]) -> bool {
    names(certificate).is_some_and(|(issuer, subject)| issuer == subject)
}

/// Issuer and subject.
fn names(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(certificate)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    let mut next = || {
        let (_, content, after) = element(rest)?;
        rest = after;
        Some(content)
    };
    let (_serial, _algorithm) = (next()?, next()?);
    let issuer = next()?;
    let _validity = next()?;
    Some((issuer, next()?))
}

/// The first element: tag, content, and what follows it.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = input.split_first_chunk()?;
    let (length, rest) = match length {
        0..0x80 => (usize::from(length), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            if digits.len() > 4 {
                return None;
            }
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `[0] EXPLICIT`, absent in version 1.
const VERSION: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair};

    #[test]
    fn tells_self_issued_certificates_from_others() {
        let ca_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["ca".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "x".repeat(300));
        let ca = params.self_signed(&ca_key).unwrap();
        assert!(is_self_issued(ca.der()));
        let leaf = CertificateParams::new(vec!["leaf".to_owned()])
            .unwrap()
            .signed_by(&KeyPair::generate().unwrap(), &Issuer::new(params, ca_key))
            .unwrap();
        assert!(!is_self_issued(leaf.der()));
        for cut in 0..leaf.der().len() {
            is_self_issued(&leaf.der()[..cut]);
        }
    }

    proptest! {
        #[test]
        fn never_panics(input: Vec<u8>) {
            is_self_issued(&input);
        }
    }
}

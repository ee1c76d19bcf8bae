#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;

use super::*;

fn keys() -> impl Strategy<Value = Vec<Arc<Key>>> {
    let origins = proptest::collection::vec("[a-z]{1,9}://[a-z.]{1,20}", 0..4);
    let end = proptest::option::of(0_i64..4_000_000_000_000);
    let key = (any::<u128>(), "[A-Za-z0-9._-]{1,64}", any::<[u8; 32]>(), origins, end);
    let key = key.prop_map(|(id, name, hash, origins, end)| {
        let end = end.map(|end| Timestamp::from_millis(end).unwrap());
        Arc::new(Key::new(Uuid::from_u128(id), &name, hash, &origins, end))
    });
    proptest::collection::vec(key, 0..6)
}

fn told(keys: &[Arc<Key>]) -> Vec<String> {
    let told = keys.iter().map(|key| {
        format!("{:?} {} {:?} {:?} {:?}", key.id, key.name, key.hash, key.origins, key.expires_at)
    });
    told.collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(keys in keys()) {
        let read = decode(&encode(&keys)).unwrap();
        let read: Vec<_> = read.into_iter().map(Arc::new).collect();
        prop_assert_eq!(told(&read), told(&keys));
    }

    #[test]
    fn what_was_damaged_anywhere_is_not_read(
        keys in keys(), place in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let mut bytes = encode(&keys);
        let place = place.index(bytes.len());
        prop_assert!(decode(&bytes[..place]).is_none(), "cut off");
        bytes[place] ^= flip;
        prop_assert!(decode(&bytes).is_none(), "flipped");
    }
}

#[tokio::test]
async fn it_is_for_this_user_alone_and_another_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::of_folder(folder.path().to_owned());
    assert!(file.read().is_none(), "there is none");
    fs::write(folder.path().join("write-keys.new"), "of a killed process").unwrap();
    let key = Arc::new(Key::new(Uuid::new_v4(), "shop", [1; 32], &[], None));
    for keys in [&[][..], &[key]] {
        file.write(keys).await.unwrap();
        assert_eq!(file.read().unwrap().len(), keys.len());
        let mode = fs::metadata(folder.path().join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing lies beside it");
    }
}

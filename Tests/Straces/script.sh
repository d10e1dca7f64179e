# What the sample traces were made from: binds, recursive binds, moves and umounts, some of them refused.
mount -t tmpfs top /mnt
mkdir /mnt/a /mnt/b /mnt/c
mount -t tmpfs inner /mnt/a
mount --make-shared /mnt/a
mount --bind /mnt/a /mnt/b
mkdir /mnt/a/sub
mount -t tmpfs third /mnt/a/sub
mount --rbind /mnt/b /mnt/c
umount /mnt/b
umount /mnt/b/sub
mount --move /mnt/c /mnt/b
(cd /mnt/b/sub && umount /mnt/b/sub)
umount -l /mnt/b
mount --make-private /mnt/a
mount --move /mnt/a /mnt/c
umount -R /mnt
umount /mnt

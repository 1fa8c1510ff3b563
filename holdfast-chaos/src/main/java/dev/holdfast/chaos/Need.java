package dev.holdfast.chaos;

/** What a kind of fault needs of the machine. */
enum Need {
    NOTHING {
        @Override
        String absence(Scene scene) {
            return "";
        }
    },
    NAMESPACES {
        @Override
        String absence(Scene scene) {
            return scene.net() instanceof Namespaces ? "" : "needs network namespaces (root and iproute2)";
        }
    },
    NO_NAMESPACES {
        @Override
        String absence(Scene scene) {
            return scene.net() instanceof Loopback ? "" : "only on loopback ports; here links are cut themselves";
        }
    },
    NFT {
        @Override
        String absence(Scene scene) {
            String none = NAMESPACES.absence(scene);
            return none.isEmpty() ? scene.namespaces().filterImpossible() : none;
        }
    },
    STRACE {
        @Override
        String absence(Scene scene) {
            return DiskStall.impossible();
        }
    },
    SMALL_DISK {
        @Override
        String absence(Scene scene) {
            return scene.cluster().smallDiskAbsence();
        }
    },
    FREEZER {
        @Override
        String absence(Scene scene) {
            return Cgroup.freezerAbsence();
        }
    },
    QUOTA {
        @Override
        String absence(Scene scene) {
            return Cgroup.quotaAbsence();
        }
    },
    FAKETIME {
        @Override
        String absence(Scene scene) {
            return Neighbourhood.faketime().isPresent() ? "" : "no libfaketimeMT.so.1 (package libfaketime)";
        }
    };

    /** Why it is not there; empty if it is. */
    abstract String absence(Scene scene);
}

/// The fixed parts of C programs. Written for people who read kernel selftests: tabs, short functions, no cleverness.
enum CPieces {
  static let includes = """
    #define _GNU_SOURCE
    #include <errno.h>
    #include <fcntl.h>
    #include <poll.h>
    #include <sched.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <sys/mount.h>
    #include <sys/socket.h>
    #include <sys/stat.h>
    #include <sys/syscall.h>
    #include <sys/wait.h>
    #include <unistd.h>
    """

  /// Constants that older headers lack, each of them only where it is used.
  static let constants: [(name: String, value: String)] = [
    ("SYS_open_tree", "428"), ("SYS_move_mount", "429"), ("SYS_fsopen", "430"),
    ("SYS_fsconfig", "431"), ("SYS_fsmount", "432"), ("SYS_mount_setattr", "442"),
    ("AT_RECURSIVE", "0x8000"), ("AT_EMPTY_PATH", "0x1000"),
    ("OPEN_TREE_CLONE", "1"), ("OPEN_TREE_CLOEXEC", "O_CLOEXEC"),
    ("MOVE_MOUNT_F_EMPTY_PATH", "0x4"), ("MOVE_MOUNT_T_EMPTY_PATH", "0x40"),
    ("MOVE_MOUNT_SET_GROUP", "0x100"), ("MOVE_MOUNT_BENEATH", "0x200"),
    ("MOUNT_ATTR_RDONLY", "0x1"), ("MOUNT_ATTR_NOSUID", "0x2"), ("MOUNT_ATTR_NODEV", "0x4"),
    ("MOUNT_ATTR_NOEXEC", "0x8"), ("MOUNT_ATTR__ATIME", "0x70"), ("MOUNT_ATTR_NOATIME", "0x10"),
    ("MOUNT_ATTR_NODIRATIME", "0x80"), ("MOUNT_ATTR_IDMAP", "0x100000"),
    ("SYS_open_tree_attr", "467"),
  ]

  static let state = """
    /* Each namespace has one process, which makes the calls that it is told to. */
    static int command[PROCESSES][2];
    static int reply[2];
    static pid_t *pids;

    #define CALL(call) ((call) < 0 ? errno : 0)
    """

  static let procfs = """
    /* /proc, opened before the root was changed. */
    static int proc = -1;
    """

  static let slots = """
    /* Open files of this process, by their numbers in the steps. */
    static int slot[SLOTS];

    static int drop(int number)
    {
    	int descriptor = slot[number];

    	slot[number] = -1;
    	return CALL(close(descriptor));
    }

    static int keep(int number, int descriptor)
    {
    	if (descriptor < 0)
    		return errno;
    	if (slot[number] >= 0)
    		drop(number);
    	slot[number] = descriptor;
    	return 0;
    }
    """

  static let borrowing = """
    /*
     * A call that takes strings reaches an open file through its magic link. There is no /proc in here, so the
     * working directory is borrowed for the time of the call.
     */
    static const char *self_fd(int which, int number, const char *rest)
    {
    	static char path[2][4200];

    	snprintf(path[which], sizeof(path[which]), "self/fd/%d%s%s", slot[number], *rest ? "/" : "", rest);
    	return path[which];
    }

    #define BORROWED(call) ({						\\
    	int here = open(".", O_PATH | O_CLOEXEC);			\\
    	int result = fchdir(proc) < 0 ? errno : CALL(call);		\\
    	if (fchdir(here) < 0 && !result)				\\
    		result = errno;						\\
    	close(here);							\\
    	result;								\\
    })
    """

  static let setattr = """
    static int change(int directory, const char *path, unsigned int flags, unsigned long long set,
    		  unsigned long long clear, unsigned long long propagation, long long userns)
    {
    	struct { unsigned long long set, clear, propagation, userns; } attr = { set, clear, propagation, userns };

    	return CALL(syscall(SYS_mount_setattr, directory, path, flags, &attr, sizeof(attr)));
    }
    """

  static let fsmount = """
    static int detached_mount(const char *type, const char *source, unsigned int flags)
    {
    	int mount = -1, context = syscall(SYS_fsopen, type, 1);

    	if (context >= 0 && !syscall(SYS_fsconfig, context, 1, "source", source, 0) &&
    	    !syscall(SYS_fsconfig, context, 6, NULL, NULL, 0))
    		mount = syscall(SYS_fsmount, context, 1 | flags, 0);
    	if (context >= 0)
    		close(context);
    	return mount;
    }
    """

  static let treeAttr = """
    static int changed_tree(int directory, const char *path, unsigned int flags, unsigned long long set,
    			unsigned long long clear, unsigned long long propagation, long long userns)
    {
    	struct { unsigned long long set, clear, propagation, userns; } attr = { set, clear, propagation, userns };

    	return syscall(SYS_open_tree_attr, directory, path, flags, &attr, sizeof(attr));
    }
    """

  static let namespaceFiles = """
    static int namespace_file(int who, const char *name)
    {
    	char path[40];

    	snprintf(path, sizeof(path), "%d/ns/%s", pids[who], name);
    	return openat(proc, path, O_RDONLY | O_CLOEXEC);
    }
    """

  static let holds = """
    /* What keeps an open file beside its descriptor: a mapping, or a message that nobody receives. */
    static struct { void *mapping; int socket; } holds[256];

    static int let_go(int number)
    {
    	void *mapping = holds[number].mapping;
    	int socket = holds[number].socket - 1;

    	holds[number].mapping = NULL;
    	holds[number].socket = 0;
    	if (mapping)
    		return CALL(munmap(mapping, 4096));
    	return CALL(close(socket));
    }

    static int map(int number, int descriptor)
    {
    	void *mapping = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, descriptor, 0);

    	if (mapping == MAP_FAILED)
    		return errno;
    	/* A forked child must not hold what its parent has mapped. */
    	madvise(mapping, 4096, MADV_DONTFORK);
    	let_go(number);
    	holds[number].mapping = mapping;
    	return 0;
    }

    static int send_away(int number, int descriptor)
    {
    	char control[CMSG_SPACE(sizeof(int))] = "";
    	struct iovec part = { "", 1 };
    	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
    				  .msg_controllen = sizeof(control) };
    	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    	int pair[2], result;

    	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
    		return errno;
    	head->cmsg_level = SOL_SOCKET;
    	head->cmsg_type = SCM_RIGHTS;
    	head->cmsg_len = CMSG_LEN(sizeof(int));
    	memcpy(CMSG_DATA(head), &descriptor, sizeof(int));
    	result = CALL(sendmsg(pair[0], &message, 0));
    	close(pair[0]);
    	if (result) {
    		close(pair[1]);
    		return result;
    	}
    	let_go(number);
    	holds[number].socket = pair[1] + 1;
    	return 0;
    }
    """

  static let join = """
    static int join(int who)
    {
    	char path[40];
    	int space, result;

    	snprintf(path, sizeof(path), "%d/ns/mnt", pids[who]);
    	space = openat(proc, path, O_RDONLY | O_CLOEXEC);
    	if (space < 0)
    		return errno;
    	result = CALL(setns(space, CLONE_NEWNS));
    	close(space);
    	return result;
    }
    """

  static let users = """
    static int put(const char *path, const char *text)
    {
    	int file = openat(proc, path, O_WRONLY | O_CLOEXEC);
    	int result = file < 0 ? errno : CALL(write(file, text, strlen(text)));

    	if (file >= 0)
    		close(file);
    	return result;
    }

    static int map_root(void)
    {
    	int result = put("self/setgroups", "deny");

    	if (!result)
    		result = put("self/uid_map", "0 0 1");
    	return result ? result : put("self/gid_map", "0 0 1");
    }
    """

  static func namespaces(usesSlots: Bool, mapsUsers: Bool, usesHolds: Bool = false) -> String {
    var closing = ""
    if usesSlots {
      closing = """

        		for (int i = 0; i < SLOTS; i++)
        			if (slot[i] >= 0)
        				drop(i);
        """
    }
    if usesHolds {
      closing += """

        		for (int i = 0; i < 256; i++) {
        			if (holds[i].socket)
        				close(holds[i].socket - 1);
        			holds[i].socket = 0;
        			holds[i].mapping = NULL;
        		}
        """
    }
    let mapping =
      mapsUsers
      ? """

      		if (!result && maps)
      			result = map_root();
      """ : "\n\t\t(void)maps;"
    return """
      static void serve(int me);

      /* A new process, forked from this one without its open files, makes a mount namespace and lives in it. */
      static int new_namespace(int who, int flags, int maps)
      {
      	int result = 0, ready[2];

      	if (pipe2(ready, O_CLOEXEC) < 0)
      		return errno;
      	/* CLONE_PARENT: whoever ends, main() stays the parent of all. */
      	if (!syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0)) {
      		close(ready[0]);\(closing)
      		pids[who] = getpid();
      		result = CALL(unshare(flags));\(mapping)
      		if (write(ready[1], &result, sizeof(result)) < 0 || result)
      			_exit(1);
      		close(ready[1]);
      		serve(who);
      	}
      	close(ready[1]);
      	if (read(ready[0], &result, sizeof(result)) != sizeof(result))
      		result = ECHILD;
      	close(ready[0]);
      	return result;
      }
      """
  }

  /// - Parameter exits: the numbers of steps that end their process.
  /// - Parameter races: whether step 0 is a race.
  static func serve(exits: [Int], races: Bool = false) -> String {
    let test = exits.map { "number == \($0)" }.joined(separator: " || ")
    let exit = exits.isEmpty ? "" : "\n\t\tif (\(test))\n\t\t\t_exit(0);"
    return """
      /* Makes the calls that main() names, until main() is gone. */
      static void serve(int me)
      {
      	int number, result;

      	while (read(command[me][0], &number, sizeof(number)) == sizeof(number)) {
      		result = \(races ? "number ? step(number) : race(me)" : "step(number)");
      		if (write(reply[1], &result, sizeof(result)) < 0)
      			break;\(exit)
      	}
      	_exit(0);
      }
      """
  }

  static func start(usesProcfs: Bool, usesSlots: Bool) -> String {
    let procfs =
      usesProcfs
      ? "\n\tproc = open(\"/proc\", O_PATH | O_DIRECTORY | O_CLOEXEC);\n\tif (proc < 0)\n\t\treturn errno;"
      : ""
    let slots =
      usesSlots ? "\n\tfor (int i = 0; i < SLOTS; i++)\n\t\tslot[i] = -1;" : ""
    return """
      /* Namespace A: one private tmpfs as its root, and nothing else. */
      static int become_first(void)
      {\(procfs)\(slots)
      	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      	    mount("root", "/tmp", "tmpfs", 0, "mode=755") < 0 || chdir("/tmp") < 0 ||
      	    syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
      		return errno;
      	return 0;
      }

      /* 0, or the errno of what this machine does not allow. */
      static int start(void)
      {
      	int result = 0;

      	pids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      	if (pids == MAP_FAILED || pipe2(reply, O_CLOEXEC) < 0)
      		return errno;
      	for (int i = 0; i < PROCESSES; i++)
      		if (pipe2(command[i], O_CLOEXEC) < 0)
      			return errno;
      	pids[A] = fork();
      	if (pids[A] < 0)
      		return errno;
      	if (!pids[A]) {
      		/* Only main() may write: when it is gone, all others read the end of their pipes. */
      		for (int i = 0; i < PROCESSES; i++)
      			close(command[i][1]);
      		pids[A] = getpid();
      		result = become_first();
      		if (write(reply[1], &result, sizeof(result)) < 0 || result)
      			_exit(1);
      		serve(A);
      	}
      	if (read(reply[0], &result, sizeof(result)) != sizeof(result))
      		return ECHILD;
      	return result;
      }

      /* Lets a process make a call; -1 if it does not come back. */
      static int make(int who, int number)
      {
      	struct pollfd answer = { .fd = reply[0], .events = POLLIN };
      	int result;

      	if (write(command[who][1], &number, sizeof(number)) < 0 || poll(&answer, 1, 30000) != 1 ||
      	    read(reply[0], &result, sizeof(result)) != sizeof(result))
      		return -1;
      	return result;
      }
      """
  }

  static let tables = """
    /* What /proc/PID/mountinfo says of a mount. */
    struct mount {
    	int id, parent;
    	unsigned int shared, master, propagate_from;
    	int unbindable;
    	char options[128];
    };

    /* How many mounts a process sees at this place, and the nth of them, from 0. */
    static int find(int who, int nth, const char *at, const char *root, const char *source, struct mount *found)
    {
    	char path[40], line[16384], *next, *word, *field[6], *type, *name;
    	struct mount mount;
    	int count = 0;
    	FILE *file;

    	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pids[who]);
    	file = fopen(path, "r");
    	memset(found, 0, sizeof(*found));
    	while (file && fgets(line, sizeof(line), file)) {
    		memset(&mount, 0, sizeof(mount));
    		next = line;
    		for (int i = 0; i < 6; i++)
    			field[i] = strsep(&next, " ");
    		while (next && (word = strsep(&next, " ")) && strcmp(word, "-")) {
    			sscanf(word, "shared:%u", &mount.shared);
    			sscanf(word, "master:%u", &mount.master);
    			sscanf(word, "propagate_from:%u", &mount.propagate_from);
    			if (!strcmp(word, "unbindable"))
    				mount.unbindable = 1;
    		}
    		type = next ? strsep(&next, " ") : NULL;
    		name = type ? strsep(&next, " ") : NULL;
    		if (!name || strcmp(field[4], at) || strcmp(field[3], root) || strcmp(name, source))
    			continue;
    		mount.id = atoi(field[0]);
    		mount.parent = atoi(field[1]);
    		snprintf(mount.options, sizeof(mount.options), "%s", field[5]);
    		if (count++ == nth)
    			*found = mount;
    	}
    	if (file)
    		fclose(file);
    	return count;
    }
    """
}

import StormVerdict
import StormVocabulary

extension ReproducerCase {
  /// A script for `sh` with mount, umount, unshare and nsenter, where those suffice.
  ///
  /// Their exit codes say success or failure and no errno, and they need the programs of the machine: everything happens
  /// below one tmpfs, in namespaces whose root is the machine's. A case that depends on more cannot be said so.
  public func shell() throws(ReproducerError) -> String {
    var script = ShellScript(self)
    return try script.text()
  }
}

/// One script on its way.
private struct ShellScript {
  private let source: ReproducerCase
  private let names: ScenarioNames
  private var lines: [String] = []

  init(_ source: ReproducerCase) {
    self.source = source
    names = ScenarioNames(source.steps)
  }

  mutating func text() throws(ReproducerError) -> String {
    let program = CProgram(source)
    var head = ["#!/bin/sh"]
    head += program.heading.map { $0.isEmpty ? "#" : "# \($0)" }
    head += [
      "#",
      "# Run as root. Exits with 0 when the kernel behaves, 1 when it does not, 4 when it cannot tell.",
      "# Written by nsstorm. Symptom: \(source.symptom)",
      "", Self.preamble,
    ]
    for (index, step) in source.steps.enumerated() {
      try append(step, isLast: index == source.steps.count - 1)
    }
    for fact in source.facts { try append(fact) }
    return (head + lines + Self.end).joined(separator: "\n") + "\n"
  }

  private static let preamble = """
    base=/tmp
    # Everything happens in a mount namespace of its own, which ends with this script.
    if [ -z "$NSSTORM_INSIDE" ]; then
    	NSSTORM_INSIDE=1 exec unshare --mount --propagation private sh "$0" || exit 4
    fi
    mount -t tmpfs root "$base" || exit 4
    A=$$
    failures=0
    others=
    trap 'kill $others 2>/dev/null' EXIT

    # at NAMESPACE COMMAND…: runs a command in a namespace.
    at() {
    	where=$1
    	shift
    	if [ "$where" = "$A" ]; then "$@"; else nsenter --mount="/proc/$where/ns/mnt" "$@"; fi
    }

    # space NAMESPACE: a copy of the namespace, kept alive by a process; its number is in $new.
    space() {
    	if [ "$1" = "$A" ]; then
    		unshare --mount --propagation unchanged sleep 300 </dev/null >/dev/null 2>&1 &
    	else
    		nsenter --mount="/proc/$1/ns/mnt" unshare --mount --propagation unchanged sleep 300 </dev/null >/dev/null 2>&1 &
    	fi
    	new=$!
    	others="$others $new"
    	for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    		# unshare has become sleep once the copy is made.
    		case "$(cat "/proc/$new/comm" 2>/dev/null)" in sleep) return 0 ;; esac
    		sleep 0.1
    	done
    	return 1
    }

    # lead EXPECTED COMMAND…: what leads to the last call must succeed (0) or fail (1) as predicted.
    lead() {
    	expected=$1
    	shift
    	"$@" 2>/dev/null
    	result=$?
    	[ "$result" -eq 0 ] || result=1
    	if [ "$result" -ne "$expected" ]; then
    		echo "SKIP: $*: $result instead of $expected"
    		exit 4
    	fi
    }

    expect() {
    	if [ "$1" = "$2" ]; then echo "ok: $3"; else
    		echo "FAIL: $3 (expected $2, seen $1)"
    		failures=$((failures + 1))
    	fi
    }

    # mounts NAMESPACE PLACE ROOT SOURCE: the lines of mountinfo about such mounts.
    mounts() {
    	awk -v place="$2" -v root="$3" -v source="$4" '{
    		for (i = 7; $i != "-"; i++);
    		if ($5 == place && $4 == root && $(i + 2) == source) print
    	}' "/proc/$1/mountinfo"
    }

    # optional N WORD: whether the Nth line has an optional field that begins so.
    optional() {
    	sed -n "$1p" | awk -v word="$2" '{
    		for (i = 7; $i != "-"; i++) if (index($i, word) == 1) found = 1
    		print found + 0
    	}'
    }

    """

  private static let end = [
    "",
    "if [ \"$failures\" -gt 0 ]; then",
    "\techo 'The kernel does not behave.'",
    "\texit 1",
    "fi",
    "echo 'The kernel behaves.'",
  ]

  private func refuse(_ what: String) -> ReproducerError {
    .cannotSay(format: .shell, what: what)
  }

  private mutating func append(
    _ step: ReproducerCase.Step, isLast: Bool
  ) throws(ReproducerError) {
    let actor = "\"$\(names.name(of: step.namespace))\""
    let fails = step.errno != .none
    lines.append("# \(names.name(of: step.namespace)): \(step.operation)")
    if case .unshare(let new, let newUser) = step.operation {
      if newUser { throw refuse("a user namespace") }
      let line = "space \(actor)"
      if isLast {
        let expected = fails ? 1 : 0
        lines.append("\(line); expect $? \(expected) 'a namespace is copied'")
      } else {
        lines.append("lead \(fails ? 1 : 0) \(line)")
      }
      lines.append("\(names.name(of: new))=$new")
      return
    }
    if case .exit = step.operation {
      guard step.namespace != 0 else { throw refuse("the end of the first namespace") }
      lines.append("kill \(actor); wait \(actor) 2>/dev/null")
      return
    }
    let words = try command(step.operation)
    guard isLast else {
      lines.append("lead \(fails ? 1 : 0) at \(actor) \(words)")
      return
    }
    let observed = source.divergence.observedErrno
    if fails, observed != step.errno, observed != .none {
      throw refuse("the difference between \(step.errno.name) and \(observed.name)")
    }
    lines.append(
      "at \(actor) \(words) 2>/dev/null; [ $? -eq 0 ] && result=0 || result=1")
    lines.append(
      "expect $result \(fails ? 1 : 0) '\(names.name(of: step.namespace)): \(step.operation)'")
  }

  private func command(_ operation: Operation) throws(ReproducerError) -> String {
    switch operation {
    case .mkdir(let path): return "mkdir \(try word(path))"
    case .rmdir(let path): return "rmdir \(try word(path))"
    case .touch(let path): return "mknod \(try word(path)) p"
    case .mount(let call): return try command(call)
    case .umount2(let path, let flags):
      var words = ["umount", "--no-canonicalize", "--internal-only"]
      if flags.contains(.detach) { words.append("--lazy") }
      if flags.contains(.force) { words.append("--force") }
      guard flags.isSubset(of: [.detach, .force]) else { throw refuse("\(operation)") }
      return (words + [try word(path)]).joined(separator: " ")
    default: throw refuse("\(operation)")
    }
  }

  private func command(_ call: MountCall) throws(ReproducerError) -> String {
    let target = try word(call.target)
    let flags = call.flags
    let begin = "mount --no-mtab --internal-only --no-canonicalize"
    if let type = call.type, case .path(let source) = call.source, flags.isEmpty {
      return "\(begin) -t \(quoted(type)) \(quoted(source)) \(target)"
    }
    guard call.type == nil else { throw refuse("\(call)") }
    if case .null = call.source {
      let types: [(MountFlags, String)] = [
        (.shared, "shared"), (.private, "private"), (.slave, "slave"),
        (.unbindable, "unbindable"),
      ]
      let recursive = flags.contains(.recursive)
      guard
        let type = types.first(where: { flags.subtracting(.recursive) == $0.0 })?.1
      else { throw refuse("\(call)") }
      return "mount --no-mtab --make-\(recursive ? "r" : "")\(type) \(target)"
    }
    let source = try word(call.source)
    switch flags {
    case .bind: return "\(begin) --bind \(source) \(target)"
    case [.bind, .recursive]: return "\(begin) --rbind \(source) \(target)"
    case .move: return "\(begin) --move \(source) \(target)"
    default: throw refuse("\(call)")
    }
  }

  /// A path below the base.
  private func word(_ path: PathArgument) throws(ReproducerError) -> String {
    guard case .path(let text) = path, text.hasPrefix("/"),
      !text.split(separator: "/").contains("..")
    else { throw refuse("the path \(path)") }
    return "\"$base\"" + (text == "/" ? "" : quoted(text))
  }

  private func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
        || (0x61...0x7A).contains(byte) || byte == 0x2F || byte == 0x2E || byte == 0x5F
    }
    return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
  }

  private mutating func append(_ fact: TableFact) throws(ReproducerError) {
    let mount = fact.mount
    let place = mount.mountpoint == "/" ? "\"$base\"" : "\"$base\"" + quoted(mount.mountpoint)
    let found =
      "mounts \"$\(names.name(of: mount.namespace))\" \(place) \(quoted(mount.root)) \(quoted(mount.source))"
    let words = "\(names.name(of: mount.namespace)): \(mount.mountpoint) (\(mount.source))"
    func has(_ word: String, _ value: Bool, _ meaning: String) {
      lines.append(
        "expect \"$(\(found) | optional \(mount.index + 1) \(word))\" \(value ? 1 : 0) "
          + "'\(words) is \(value ? "" : "not ")\(meaning)'")
    }
    switch fact.kind {
    case .count(let count):
      lines.append("expect \"$(\(found) | wc -l)\" \(count) '\(words) is there \(count) times'")
    case .unbindable(let value): has("unbindable", value, "unbindable")
    case .shared(let value): has("shared:", value, "shared")
    case .slave(let value): has("master:", value, "a slave")
    case .propagateFrom(let value): has("propagate_from:", value, "fed from elsewhere")
    case .options(let text):
      lines.append(
        "expect \"$(\(found) | sed -n \(mount.index + 1)p | cut -d' ' -f6)\" \(quoted(text)) "
          + "'\(words) has the options \(text)'")
    case .parent, .peer, .master, .remains:
      // The count or another fact is enough where there is one.
      guard source.facts.count > 1 else { throw refuse("a relation between two mounts") }
    }
  }
}

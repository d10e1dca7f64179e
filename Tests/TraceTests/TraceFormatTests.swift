import Foundation
import StormVerdict
import StormVocabulary
import Testing

@testable import StormTrace

private let header =
  #"{"trace":"nsstorm","version":1,"kernel":"6.18.1","build":"b","seed":7,"level":2,"tables":{"0":[{"id":87,"parent":65,"dev":"0:39","root":"/","mountpoint":"/","options":"rw,relatime","fstype":"tmpfs","source":"root"}]}}"#
private let small = """
  \(header)
  {"step":0,"ns":0,"call":"mkdir","path":"/a","ret":0}
  {"step":1,"ns":0,"call":"mount","type":"tmpfs","source":"t0","target":"/a","flags":["ro","nosuid"],"ret":0,"tables":{"0":[{"id":87,"parent":65,"dev":"0:39","root":"/","mountpoint":"/","options":"rw,relatime","fstype":"tmpfs","source":"root"},{"id":88,"parent":87,"dev":"0:40","root":"/","mountpoint":"/a","options":"ro,nosuid,relatime","shared":3,"master":2,"propagate_from":1,"fstype":"tmpfs","source":"t0"}]}}
  {"step":2,"ns":0,"call":"umount2","target":"/a","flags":["detach"],"ret":"EBUSY"}
  {"end":true,"tables":{"0":[]}}

  """

@Suite struct `the trace format` {
  @Test func `the samples are there`() {
    #expect(Samples.paths.count == 124)
  }

  @Test(arguments: Samples.paths) func `a sample is read whole and written back byte for byte`(
    path: String
  ) throws {
    let read = try ReadTrace(path: path)
    #expect(read.ending == .complete)
    try withTemporaryFile("") { copy in
      do {
        var writer = try TraceWriter(path: copy, header: read.header)
        for case .step(let step) in read.lines { try writer.append(step) }
        try writer.finish()
      }
      #expect(FileManager.default.contentsEqual(atPath: path, andPath: copy))
      #expect(try ReadTrace(path: copy) == read)
    }
  }

  @Test func `every operation survives writing and reading`() throws {
    let operations: [StormVocabulary.Operation] = [
      .mkdir("/a"), .rmdir(.descriptor(4)), .unlink(.relative(3, "x/y")),
      .rename(from: "/a", to: .relative(2, "b")), .symlink(contents: "../é\"\\\n\u{1}", at: "/l"),
      .touch("/f"), .mount(MountCall(target: .null)),
      .mount(
        MountCall(
          type: "tmpfs", source: "src", target: "/t", flags: [.readOnly, .recursive, .noUser])),
      .mount(MountCall(source: .descriptor(1), target: .descriptor(2), flags: .bind)),
      .umount2("/a", [.detach, .noFollow]), .umount2(.null, UmountFlags(rawValue: 0x8010)),
      .unshare(namespace: 3, newUser: true), .unshare(namespace: 4, newUser: false), .exit,
      .setns(9), .open("/d", [.path, .directory], 7), .close(7), .chdir("/c"), .chroot("/r"),
      .pivotRoot(newRoot: "/n", putOld: .relative(1, "o")),
      .openTree("/t", [.clone, .recursive], 1), .fsmount(type: "tmpfs", source: "z", 2),
      .moveMount(from: .descriptor(2), to: "/t", .beneath),
      .moveMount(from: "/x", to: .descriptor(1), .setGroup),
      .mountSetattr("/t", recursive: true, .set([.readOnly, .noSymlinkFollow])),
      .mountSetattr("/t", recursive: false, .clear([])),
      .mountSetattr("/t", recursive: false, .propagation(.unbindable)), .stat("/s"),
      .unshareEmpty(namespace: 5, newUser: true), .unshareEmpty(namespace: 6, newUser: false),
      .setnsDescriptor(4), .openNamespaceFile(.mount, of: 1, 3),
      .openNamespaceFile(.user, of: 0, 2), .openTree("/t", [.namespace, .recursive], 1),
      .openTreeAttr(.descriptor(2), [.clone, .recursive], .idmap(3), 4),
      .openTreeAttr("/t", .clone, .clear(.idmapped), 4),
      .mountSetattr(.descriptor(1), recursive: true, .idmap(2)),
      .fsmountNamespace(type: "tmpfs", source: "z", 2), .hold(1, .mapping, 3),
      .hold(1, .message, 0), .letGo(3),
    ]
    #expect(Set(operations.map(\.callName)) == Set(StepParser.calls))
    let start = TraceHeader(kernel: "7.3.4", build: "#1", table: MountTable())
    let steps = operations.enumerated().map {
      TraceStep(
        number: $0, namespace: $0 % 3, operation: $1,
        result: $0 % 2 == 0 ? .none : Errno(rawValue: Int32($0)))
    }
    try withTemporaryFile("") { path in
      var writer = try TraceWriter(path: path, header: start)
      for step in steps { try writer.append(step) }
      let read = try ReadTrace(path: path)
      #expect(read.header == start)
      #expect(read.lines == steps.map { .step($0) })
      #expect(read.ending == .cutOff)
    }
  }

  @Test func `every field of a table survives, and only tables that differ are written`() throws {
    let entry = MountTable.Entry(
      id: .max, parent: 1 << 40, device: DeviceNumber(major: 8, minor: 1_048_575),
      root: "/r//deleted", mountpoint: "/a b\\\u{1F30A}", attributes: [.readOnly, .idmapped],
      sharedGroup: 1, masterGroup: 2, propagateFromGroup: 3, isUnbindable: true,
      fileSystemType: "fuse.x", source: "", superblockIsReadOnly: false)
    let table = MountTable(entries: [entry])
    var other = table
    other.entries[0].id = 5
    func step(_ number: Int, _ tables: [MountTable]) -> TraceStep {
      TraceStep(
        number: number, namespace: 0, operation: .exit, result: .busy,
        tables: tables.enumerated().map { NamespaceTable(namespace: $0, table: $1) })
    }
    try withTemporaryFile("") { path in
      var writer = try TraceWriter(
        path: path, header: TraceHeader(kernel: "k", build: "b", table: table))
      try writer.append(step(0, [table, other]))
      try writer.append(step(1, [other, other]))
      try writer.append(step(2, [other, other]))
      try writer.finish()
      let read = try ReadTrace(path: path)
      let both = [
        NamespaceTable(namespace: 0, table: other), NamespaceTable(namespace: 1, table: other),
      ]
      #expect(
        read.lines == [
          .step(
            TraceStep(
              number: 0, namespace: 0, operation: .exit, result: .busy, tables: [both[1]])),
          .step(
            TraceStep(
              number: 1, namespace: 0, operation: .exit, result: .busy, tables: [both[0]])),
          .step(step(2, [])), .end(both),
        ])
    }
  }

  @Test func `a trace cut at any byte is read as far as it stands and never crashes`() throws {
    let bytes = Array(small.utf8)
    let whole = try withTemporaryFile(bytes) { try ReadTrace(path: $0) }
    #expect(whole.lines.count == 4)
    let headerLength = header.utf8.count
    for length in 0..<bytes.count {
      try withTemporaryFile(Array(bytes.prefix(length))) { path in
        guard length >= headerLength else {
          #expect(throws: TraceError.self, "cut at \(length)") { try ReadTrace(path: path) }
          return
        }
        let read = try ReadTrace(path: path)
        #expect(read.lines == Array(whole.lines.prefix(read.lines.count)))
        let isWhole = length >= bytes.count - 1
        #expect((read.ending == .complete) == isWhole, "cut at \(length)")
      }
    }
  }

  @Test func `a trace with any byte replaced never crashes the reader`() throws {
    var generator = SeededGenerator(seed: 3)
    let bytes = Array(small.utf8)
    var refused = 0
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] = UInt8(generator.next(below: 256))
      try withTemporaryFile(damaged) { path in
        do {
          _ = try ReadTrace(path: path)
        } catch let error as TraceError {
          refused += 1
          #expect(error.line >= 1 && error.line <= 6)
          #expect(error.file == path)
        }
      }
    }
    #expect(refused > bytes.count / 4)
  }

  @Test func `unknown keys are ignored wherever they stand`() throws {
    let text = """
      {"x":[{"y":[[],{}]},1.5e-3,null],"trace":"nsstorm","version":1,"kernel":"k","tables":{"0":[{"new":{"a":[true]},"id":1,"parent":1,"dev":"0:1","root":"/","mountpoint":"/","options":"rw","fstype":"t","source":"s"}]}}
      { "more" : "\\u00e9\\ud83c\\udf0a" , "ret" : 0 , "path" : "/\\u0061\\/b" , "call" : "mkdir" , "ns" : 0 , "step" : 5 }

      """
    let read = try withTemporaryFile(text) { try ReadTrace(path: $0) }
    #expect(
      read.lines == [
        .step(TraceStep(number: 5, namespace: 0, operation: .mkdir("/a/b"), result: .none))
      ])
    #expect(read.header.table.entries.count == 1)
  }

  /// A file's text, and the line, kind and words that its refusal must have.
  struct Refusal: CustomTestStringConvertible, Sendable {
    var name: String
    var text: String
    var line: Int
    var kind: TraceError.Kind
    var words: [String]
    var testDescription: String { name }
  }

  static func second(_ name: String, _ line: String, _ words: String...) -> Refusal {
    Refusal(
      name: name, text: "\(header)\n\(line)\n{\"end\":true}\n", line: 2, kind: .damaged,
      words: words)
  }

  static let refusals: [Refusal] = [
    Refusal(name: "empty", text: "", line: 1, kind: .foreign, words: ["empty", "nsstorm"]),
    Refusal(
      name: "not JSON", text: "strace -f\n", line: 1, kind: .foreign, words: ["not a trace"]),
    Refusal(
      name: "foreign JSON", text: "{\"a\":1}\n", line: 1, kind: .foreign, words: ["`trace`"]),
    Refusal(
      name: "another tool", text: "{\"trace\":\"other\",\"version\":1}\n", line: 1, kind: .foreign,
      words: ["\"other\"", "\"nsstorm\""]),
    Refusal(
      name: "another version", text: "{\"trace\":\"nsstorm\",\"version\":3}\n", line: 1,
      kind: .wrongVersion, words: ["`version` is 3", "1"]),
    Refusal(
      name: "version as text", text: "{\"trace\":\"nsstorm\",\"version\":\"1\"}\n", line: 1,
      kind: .wrongVersion, words: ["\"1\""]),
    Refusal(
      name: "no kernel", text: "{\"trace\":\"nsstorm\",\"version\":1,\"tables\":{\"0\":[]}}\n",
      line: 1, kind: .damaged, words: ["`kernel`"]),
    Refusal(
      name: "two namespaces at the start",
      text: header.replacing("\"0\":[", with: "\"1\":[],\"0\":[") + "\n", line: 1, kind: .damaged,
      words: ["[0, 1]", "only 0"]),
    second("unknown call", #"{"step":0,"ns":0,"call":"mont","ret":0}"#, "\"mont\"", "umount2"),
    second(
      "unknown flag", #"{"step":0,"ns":0,"call":"umount2","target":"/","flags":["lazy"],"ret":0}"#,
      "\"lazy\"", "detach", "column"),
    second(
      "unknown errno", #"{"step":0,"ns":0,"call":"exit","ret":"BUSY"}"#, "`ret` is \"BUSY\""),
    second("a number as errno", #"{"step":0,"ns":0,"call":"exit","ret":16}"#, "`ret` is 16"),
    second("no namespace", #"{"step":0,"call":"exit","ret":0}"#, "`ns`"),
    second("a negative step", #"{"step":-1,"ns":0,"call":"exit","ret":0}"#, "`step` is -1"),
    second("a fractional step", #"{"step":1.5,"ns":0,"call":"exit","ret":0}"#, "1.5"),
    second("no path", #"{"step":0,"ns":0,"call":"mkdir","ret":0}"#, "`mkdir` needs `path`"),
    second(
      "a bad device",
      #"{"step":0,"ns":0,"call":"exit","ret":0,"tables":{"0":[{"id":1,"parent":1,"dev":"39"}]}}"#,
      "`dev` is \"39\"", "major:minor"),
    second(
      "an entry without fields",
      #"{"step":0,"ns":0,"call":"exit","ret":0,"tables":{"0":[{"id":1,"parent":1}]}}"#, "lacks",
      "`dev`", "`source`"),
    second(
      "a namespace that is no number",
      #"{"step":0,"ns":0,"call":"exit","ret":0,"tables":{"x":[]}}"#, "`x`"),
    second(
      "a namespace twice",
      #"{"step":0,"ns":0,"call":"exit","ret":0,"tables":{"1":[],"1":[]}}"#, "two tables"),
    second(
      "two changes of attributes",
      #"{"step":0,"ns":0,"call":"mount_setattr","path":"/","flags":[],"set":[],"clear":[],"ret":0}"#,
      "exactly one"),
    second("half a line", #"{"step":0,"ns":0,"call":"mk"#, "no end"),
    second("half a surrogate pair", #"{"step":0,"ns":0,"call":"\ud83c","ret":0}"#, "surrogate"),
    second("two objects", #"{"step":0,"ns":0,"call":"exit","ret":0}{}"#, "behind the object"),
    second("deep nesting", "{\"a\":" + String(repeating: "[", count: 100_000), "nested"),
    Refusal(
      name: "a step twice",
      text:
        "\(header)\n{\"step\":4,\"ns\":0,\"call\":\"exit\",\"ret\":0}\n{\"step\":4,\"ns\":0,\"call\":\"exit\",\"ret\":0}\n",
      line: 3, kind: .damaged, words: ["`step` is 4"]),
    Refusal(
      name: "behind the end", text: "\(header)\n{\"end\":true}\n{\"end\":true}\n", line: 3,
      kind: .damaged, words: ["behind the end"]),
  ]

  @Test(arguments: refusals) func `bad input is refused with its line and what is allowed`(
    refusal: Refusal
  ) throws {
    try withTemporaryFile(refusal.text) { path in
      let error = try #require(throws: TraceError.self) { try ReadTrace(path: path) }
      #expect(error.line == refusal.line)
      #expect(error.kind == refusal.kind)
      for word in refusal.words {
        #expect(error.message.contains(word), "\(error)")
      }
    }
  }

  @Test func `a file that is not there is said to be missing`() throws {
    let error = try #require(throws: TraceError.self) { try ReadTrace(path: "/nowhere/x.jsonl") }
    #expect(error.kind == .inaccessible)
    #expect("\(error)".contains("No such file"))
  }

  @Test func `a file that cannot be written is reported`() throws {
    let error = try #require(throws: TraceError.self) {
      _ = try TraceWriter(
        path: "/nowhere/x.jsonl", header: TraceHeader(kernel: "", build: "", table: MountTable()))
    }
    #expect(error.kind == .inaccessible)
  }
}

@Suite struct `measuring traces` {
  @Test func `counts the steps that it measures`() throws {
    let paths = Array(Samples.paths.prefix(2))
    let measured = try TraceMeasurement.measure(paths: paths, rounds: 1)
    #expect(measured.steps == paths.reduce(0) { $0 + TraceCheck(path: $1).run().steps })
    #expect(measured.readStepsPerSecond > 0 && measured.checkedStepsPerSecond > 0)
    #expect(measured.bytes > 10_000)
  }
}

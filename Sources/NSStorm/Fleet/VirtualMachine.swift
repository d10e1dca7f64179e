import CMount
import Foundation
import Glibc
import StormKernel

/// One guest under QEMU: booted, watched and ended by this process, and gone with it.
public struct VirtualMachine: Sendable {
  public var kernel: BootableKernel
  public var image: GuestImage
  public var limits = VMLimits()
  public var accelerator: Accelerator
  /// Further words for the kernel's command line.
  public var kernelArguments: [String] = []

  private static let package = "qemu-system-x86"
  private static let mostOutputBytes = 64 << 20
  private static let mostTraceBytes = 1 << 30

  public init(kernel: BootableKernel, image: GuestImage, accelerator: Accelerator) {
    self.kernel = kernel
    self.image = image
    self.accelerator = accelerator
  }

  /// Boots, watches until the end, and returns what was brought back.
  ///
  /// Call it on the main thread: QEMU gets a death signal when the thread that started it ends.
  public func run(_ watch: (VMEvent) -> Void) throws(FleetError) -> VMReport {
    let tool = try HostCommand.path(of: "qemu-system-x86_64", package: Self.package)
    var image = image
    image.modules = kernel.modules
    let archive = try memoryFile(try image.archive())
    defer { close(archive) }
    var console = try HostSocket()
    var agent = try HostSocket()
    var trace = try HostSocket()
    var messages = try Pipe()
    let started = MonotonicClock.now
    var machine = try HostProcess.start(
      tool, arguments, environment: ["PATH=/usr/bin:/bin", "LC_ALL=C", "TMPDIR=/tmp"],
      descriptors: [
        (1, messages.writing), (2, messages.writing), (3, archive), (4, console.there),
        (5, agent.there), (6, trace.there),
      ])
    console.closeThere()
    agent.closeThere()
    trace.closeThere()
    messages.closeWriting()

    var watcher = VMWatcher(limits: limits, accelerator: accelerator, started: started)
    while watcher.outcome == nil {
      var entries = [
        pollfd(fd: console.isAtEnd ? -1 : console.here, events: Int16(POLLIN), revents: 0),
        pollfd(fd: agent.isAtEnd ? -1 : agent.here, events: Int16(POLLIN), revents: 0),
        pollfd(fd: trace.isAtEnd ? -1 : trace.here, events: Int16(POLLIN), revents: 0),
        pollfd(fd: messages.isAtEnd ? -1 : messages.reading, events: Int16(POLLIN), revents: 0),
      ]
      poll(&entries, nfds_t(entries.count), 100)
      if entries[0].revents != 0 { watcher.takeConsole(console.take(), watch) }
      if entries[1].revents != 0 { watcher.takeAgent(agent.take(), watch) }
      if entries[2].revents != 0 { watcher.takeTrace(trace.take(), watch) }
      if entries[3].revents != 0 { messages.take() }
      let isDrained = console.isAtEnd && agent.isAtEnd && trace.isAtEnd
      let end = isDrained ? machine.poll() : nil
      watcher.decide(
        now: MonotonicClock.now, machineEnd: end,
        said: end == nil ? "" : String(decoding: messages.bytes, as: UTF8.self))
      if watcher.report.trace.count > Self.mostTraceBytes
        || watcher.report.output.count > Self.mostOutputBytes
      {
        watcher.end(.lost(reason: "the guest sent more than the limit on output or trace"))
      }
    }
    machine.end()
    return watcher.finished(messages: String(decoding: messages.bytes, as: UTF8.self))
  }

  var arguments: [String] {
    // Every character on an emulated serial port is an exit of its own: what merely informs is not printed there. Warnings,
    // faults and the first line with the version are.
    let words =
      [
        "console=ttyS0,115200", "loglevel=6", "panic=-1", "mitigations=off", "audit=0",
        "rdinit=/bin/nsstorm",
      ]
      + accelerator.kernelArguments + kernelArguments
    return accelerator.arguments + [
      "-machine", "q35", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
      "-smp", "\(limits.processors)", "-m", "\(limits.memoryMebibytes)",
      "-kernel", kernel.image, "-initrd", "/proc/self/fd/3", "-append",
      words.joined(separator: " "),
      "-chardev", "socket,id=console,fd=4", "-serial", "chardev:console",
      "-chardev", "socket,id=agent,fd=5", "-chardev", "socket,id=trace,fd=6",
      "-device", "virtio-serial-pci",
      "-device", "virtserialport,chardev=agent,nr=1",
      "-device", "virtserialport,chardev=trace,nr=2",
    ]
  }

  // In memory, so that a killed supervisor leaves no file behind.
  private func memoryFile(_ bytes: [UInt8]) throws(FleetError) -> Int32 {
    let file = nss_memory_file("nsstorm-guest")
    guard file >= 0 else {
      throw .system(attempt: "make a file in memory", reason: String(cString: strerror(-file)))
    }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let reason = String(cString: strerror(errno))
        close(file)
        throw .system(attempt: "keep the guest's files in memory", reason: reason)
      }
      rest = rest.dropFirst(count)
    }
    return file
  }
}

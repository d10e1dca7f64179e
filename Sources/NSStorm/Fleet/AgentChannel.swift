import Glibc

/// The guest's end of the line to the host.
struct AgentChannel {
  private let file: Int32

  private static let openLimitSeconds = 5.0

  /// Opens the first of some devices that is there; the first one may take a while to appear.
  static func open(_ devices: [String]) -> AgentChannel? {
    guard let first = devices.first else { return nil }
    let deadline = MonotonicClock.now + openLimitSeconds
    var file: Int32 = -1
    while MonotonicClock.now < deadline {
      file = Glibc.open(first, O_RDWR | O_CLOEXEC | O_NOCTTY)
      if file >= 0 { return AgentChannel(file: file) }
      // Without the driver's class the device will never come.
      if access("/sys/class/virtio-ports", F_OK) != 0 { break }
      usleep(20_000)
    }
    for device in devices.dropFirst() {
      file = Glibc.open(device, O_RDWR | O_CLOEXEC | O_NOCTTY)
      guard file >= 0 else { continue }
      var settings = termios()
      if tcgetattr(file, &settings) == 0 {
        cfmakeraw(&settings)
        cfsetspeed(&settings, speed_t(B115200))
        tcsetattr(file, TCSANOW, &settings)
      }
      return AgentChannel(file: file)
    }
    return nil
  }

  /// Sends a frame; a host that is gone is not waited for.
  func send(_ frame: AgentFrame) {
    var rest = frame.bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// Sends bytes in as many frames as they need.
  func send(_ kind: AgentFrame.Kind, _ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      send(AgentFrame(kind, Array(rest.prefix(AgentFrame.mostBytes))))
      rest = rest.dropFirst(AgentFrame.mostBytes)
    }
  }

  /// Waits until everything is on its way; nothing to wait for on a virtio line.
  func drain() {
    tcdrain(file)
  }
}

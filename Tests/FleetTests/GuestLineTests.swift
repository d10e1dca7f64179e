import StormFleet
import StormKernel
import Testing

@Suite struct GuestLineTests {
  @Test func `frames survive being cut anywhere`() {
    let frames = [
      AgentFrame(.hello, text: "6.12.107\n#1 SMP"), AgentFrame(.heartbeat),
      AgentFrame(.output, [0xA5, 2, 0, 0, 0, 0, 0]), AgentFrame(.ended, text: "exit 0"),
    ]
    let stream = frames.flatMap(\.bytes)
    for piece in 1...stream.count {
      var reader = AgentFrameReader()
      var seen: [AgentFrame] = []
      var rest = stream[...]
      while !rest.isEmpty {
        reader.add(rest.prefix(piece))
        rest = rest.dropFirst(piece)
        while let frame = reader.next() { seen.append(frame) }
      }
      #expect(seen == frames)
      #expect(reader.noiseBytes == 0)
    }
  }

  @Test func `noise on the line is skipped and counted`() {
    var reader = AgentFrameReader()
    reader.add([1, 2, 0xA5] + AgentFrame(.heartbeat).bytes + AgentFrame(.heartbeat).bytes)
    #expect(reader.next() == AgentFrame(.heartbeat))
    #expect(reader.next() == AgentFrame(.heartbeat))
    #expect(reader.noiseBytes == 3)
  }

  @Test func `a console shows its lines without the firmware's escapes, and signs of faults`() {
    var console = ConsoleLog()
    console.add(Array("\u{1B}c\u{1B}[?7l\u{1B}[2JSeaBIOS\r\n[    1.0] Linux version\r\n".utf8))
    console.add(Array("[    2.0] BUG: kernel NULL pointer deref".utf8))
    console.add(Array("erence, address: 0\r\n[ 2.1] RIP: 0010:x".utf8))
    console.finish()
    #expect(console.lines.count == 4)
    #expect(console.lines[0] == "SeaBIOS")
    #expect(console.signs.map(\.kind) == [.oops])
    #expect(
      console.excerpt(lines: 2, since: console.signs.first) == Array(console.lines[2...3]))
  }
}

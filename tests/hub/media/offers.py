"""Offers for tests: a browser's, as Chromium 156 makes it, and ways to spoil it."""

FINGERPRINT = (
    "D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:"
    "2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F"
)
PLAY = """v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 39 40
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1467250027 1 udp 2122260223 127.0.0.1 46243 typ host generation 0 network-id 1
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=ice-options:trickle
a=fingerprint:sha-256 FINGERPRINT
a=setup:actpass
a=mid:0
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=recvonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:103 H264/90000
a=rtcp-fb:103 goog-remb
a=rtcp-fb:103 transport-cc
a=rtcp-fb:103 nack
a=rtcp-fb:103 nack pli
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=rtpmap:39 AV1/90000
a=rtpmap:40 rtx/90000
a=fmtp:40 apt=39
m=audio 9 UDP/TLS/RTP/SAVPF 111 0
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=ice-options:trickle
a=fingerprint:sha-256 FINGERPRINT
a=setup:actpass
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:0 PCMU/8000
""".replace("FINGERPRINT", FINGERPRINT).replace("\n", "\r\n")

PUBLISH = PLAY.replace("a=recvonly", "a=sendonly")

NOT_SDP = ["", "hello", "v=0", "m=video", "v=0\r\ns=-", "\x00" * 40, "v=0\r\n" + "a" * 99, "{}"]

MALFORMED = {
    "no ufrag": PLAY.replace("a=ice-ufrag:EsAw\r\n", ""),
    "short password": PLAY.replace("P2uYro0UCOQ4zxjKXaWCBui1", "short"),
    "no fingerprint": PLAY.replace("a=fingerprint:sha-256", "a=nofinger:sha-256"),
    "no setup": PLAY.replace("a=setup:actpass\r\n", ""),
    "no mid": PLAY.replace("a=mid:0\r\n", ""),
    "mid twice": PLAY.replace("a=mid:1\r\n", "a=mid:0\r\n"),
    "payload type": PLAY.replace("SAVPF 96 ", "SAVPF x "),
    "rtpmap": PLAY.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:96"),
    "media line": PLAY.replace("m=video 9 UDP/TLS/RTP/SAVPF", "m=video UDP/TLS/RTP/SAVPF"),
}

REFUSED = {
    "no media": PLAY.partition("m=video")[0],
    "no H.264": PLAY.replace("H264/90000", "H265/90000"),
    "no packetization mode 1": PLAY.replace("packetization-mode=1", "packetization-mode=0"),
    "no Opus": PLAY.replace("opus/48000/2", "G722/8000"),
    "not bundled": PLAY.replace("a=group:BUNDLE 0 1\r\n", ""),
    "no rtcp-mux": PLAY.replace("a=rtcp-mux\r\n", ""),
    "wrong direction": PLAY.replace("a=recvonly", "a=sendonly"),
    "data channel": PLAY.replace("m=audio", "m=application"),
    "plain RTP": PLAY.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    "passive": PLAY.replace("a=setup:actpass", "a=setup:passive"),
    "two videos": PLAY.partition("m=audio")[0]
    + PLAY[PLAY.index("m=video") : PLAY.index("m=audio")].replace("a=mid:0", "a=mid:1"),
}

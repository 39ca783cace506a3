/** Messages as the server's own code writes them (protocols.live, version 1). Made by it, not by hand. */

export const WAVE_BASE64 =
  "UAEAAHsidW5pdCI6IkEwMSIsInN0cmVhbSI6IndhdmVmb3JtIiwic2VxIjo3LCJncm91cCI6ImVjZyIsImNhcHR1cmVkX3V0Y191cyI6MTcwMDAwMDAwMDAwMDAwMCwibGFuZSI6ImxpdmUiLCJyYXRlX2h6Ijo1MDAuMCwic2FtcGxlX2NvdW50IjozLCJmaXJzdF9zYW1wbGVfaW5kZXgiOjE1MDAsIm1pc3NpbmciOi0zMjc2OCwiY2hhbm5lbHMiOlt7ImNvZGUiOiJNRENfRUNHX0xFQURfSSIsInVuaXQiOiJ1ViIsImdhaW4iOjUuMCwib2Zmc2V0IjowLCJzb3VyY2UiOiJtb2RlbCJ9LHsiY29kZSI6Ik1EQ19FQ0dfTEVBRF9JSSIsInVuaXQiOiJ1ViIsImdhaW4iOjIuNSwib2Zmc2V0IjoxMH1dfSAgIAEAAAD+////AwAAAP///38AAACAAID//w==";

export const FEED = {
  hello: "{\"t\":\"hello\",\"now_utc_us\":1,\"server\":\"hub\",\"software\":\"1\"}",
  tick: "{\"t\":\"tick\",\"now_utc_us\":2}",
  fleet: "{\"t\":\"fleet\",\"full\":true,\"units\":[{\"unit\":\"A01\",\"call_sign\":\"粤A-120-01\",\"profile\":\"ambulance\",\"light\":false,\"online\":true,\"status\":\"transporting\",\"status_since_utc_us\":5,\"position\":{\"latitude_deg\":23.1,\"longitude_deg\":113.2,\"captured_utc_us\":9,\"speed_mps\":12.5,\"heading_deg\":null},\"news2\":{\"low\":5.0,\"high\":8.0,\"band\":\"high\",\"captured_utc_us\":8,\"missing\":[\"temperature\"]},\"link\":{\"state\":\"thin\",\"waiting_records\":null,\"waiting_bytes\":null,\"drain_s\":null,\"round_trip_ms\":null,\"last_heard_utc_us\":null,\"video\":\"360p\"},\"encounter_id\":null,\"run_id\":\"r\",\"nodes\":[{\"node\":\"rolling\",\"at_utc_us\":3,\"source\":\"button\"}],\"cameras\":[\"cabin\"]}]}",
  record: "{\"t\":\"record\",\"unit\":\"A01\",\"stream\":\"vitals\",\"seq\":4,\"captured_utc_us\":11,\"clock\":\"gnss\",\"clock_error_us\":null,\"received_utc_us\":null,\"lane\":\"live\",\"body\":{\"kind\":\"vitals\",\"heart_rate_bpm\":0.0,\"spo2_pct\":97.0}}",
  backfilled: "{\"t\":\"backfilled\",\"unit\":\"A01\",\"stream\":\"vitals\",\"first_utc_us\":1,\"last_utc_us\":2,\"records\":3}",
  encounter: "{\"t\":\"encounter\",\"unit\":\"A01\",\"encounter_id\":\"e\",\"state\":\"open\",\"opened_utc_us\":4,\"closed_utc_us\":null}",
  advice: "{\"t\":\"advice\",\"unit\":\"A01\",\"encounter_id\":\"e\",\"advice_id\":\"a\",\"text\":\"t\",\"by\":\"Dr\",\"state\":\"declined\",\"given_utc_us\":1,\"expires_utc_us\":2,\"answered_utc_us\":null,\"answered_by\":null,\"reason\":\"r\"}",
  handoff: "{\"t\":\"handoff\",\"unit\":\"A01\",\"encounter_id\":\"e\",\"handover_id\":\"h\",\"hospital_id\":\"x\",\"state\":\"queued\",\"attempts\":2,\"detail\":null,\"updated_utc_us\":3}",
} as const;

-- What wrk sends: as autocannon-process.ts, every request is another capture. Arguments: see sendWithWrk.
local names, parts = {}, {}
local number = 0
local head, first_at, interval_ms, spread_ms

function init(args)
  first_at, interval_ms, spread_ms = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  for name in args[4]:gmatch("[^,]+") do names[#names + 1] = name end
  parts = { args[5], args[6], args[7], args[8] }
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  wrk.headers["ali-live-timestamp"] = args[9]
  wrk.headers["ali-live-signature"] = args[10]
  -- Put together once, up to the length of the body.
  head = wrk.format():gsub("\r\n\r\n$", "\r\nContent-Length: ")
end

function request()
  local turn, stream = math.floor(number / #names), number % #names
  local at = first_at + turn * interval_ms + number % spread_ms
  local name = names[stream + 1]
  local body = parts[1] .. name .. parts[2] .. name .. parts[3] .. string.format("%d", at) .. parts[4]
  number = number + 1
  return head .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\n{"requests":%d,"seconds":%.6f,"p50Ms":%.3f,"p99Ms":%.3f,"failed":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end

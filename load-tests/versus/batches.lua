-- What wrk sends: each request has events of its own, of users drawn from five thousand, all
-- of whom were seen before long.
-- Arguments: how many events a request has, and what the events' ids begin with.

local PAYLOAD = '{"path":"/pricing","referrer":"https://example.org/","width":1440,'
    .. '"scroll":0.75,"plan":{"name":"pro"}}'
local USERS = 5000

local size, prefix, sent = 1, "", 0
local headers = { ["Content-Type"] = "application/json" }
local parts = {}

function init(arguments)
    size = tonumber(arguments[1])
    prefix = arguments[2]
    math.randomseed(os.time())
end

function request()
    local time = os.date("!%Y-%m-%dT%H:%M:%SZ")
    for index = 1, size do
        sent = sent + 1
        local user = math.random(0, USERS - 1)
        parts[index] = string.format(
            '{"userId":"user-%07d","type":"page_view","sessionId":"s-%07d",'
                .. '"eventId":"%s-%09d","occurredAt":"%s","payload":%s}',
            user, user, prefix, sent, time, PAYLOAD)
    end
    return wrk.format("POST", nil, headers, "[" .. table.concat(parts, ",", 1, size) .. "]")
end

-- One line that a program reads.
function done(summary, latency)
    io.write(string.format(
        '\nsummary {"requests":%d,"refused":%d,"failed":%d,"microseconds":%d,"p99":%d}\n',
        summary.requests, summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write
            + summary.errors.timeout,
        summary.duration, latency:percentile(99)))
end

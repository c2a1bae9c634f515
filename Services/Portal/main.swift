import ServiceRuntime

await serviceMain(.portal, build: portal)

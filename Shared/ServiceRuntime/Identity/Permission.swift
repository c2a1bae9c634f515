import Contracts

extension Client<AuthAPI> {
    /// Asks whether the person may do this with the order. The holder of an enterprise may do everything; what a handler
    /// may is known to Auth only, so that a right that was taken back is gone at once.
    ///
    /// - Parameter version: of the order as it is now; an approval is for this version only.
    /// - Throws: ``ProblemCode/rightMissing``, ``ProblemCode/aboveLimit``; ``ProblemCode/approvalNeeded`` when a second
    ///   person has now been asked, ``ProblemCode/approvalRefused``.
    public func permit(
        _ right: Right, on order: OrderID, version: Int, premium: Money, for enterprise: EnterpriseID,
        as standing: Standing
    ) async throws {
        guard standing != .holder else { return }
        _ = try await call(
            .permit,
            AskPermission(
                enterprise: enterprise, standing: standing, right: right, order: order, version: version,
                premium: premium))
    }
}
